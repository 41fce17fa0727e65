"""A bot that is killed in mid-answer: whoever comes next says so below what was shown, and gives back what was held."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow, Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    INTERRUPTED,
    INTERRUPTED_BEFORE_TEXT,
    OpenSandbox,
    all_of,
    ask,
    is_streaming,
    wait_until_final,
    wait_until_started,
)

MARK = f"\n{INTERRUPTED}"


async def marked(used: InteractionResult) -> InteractionResult:
    return await used.until(lambda each: each.text.endswith(MARK.strip()), deadline_s=DEADLINE_S)


async def test_an_answer_is_marked_at_the_next_start_and_keeps_its_words(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["One ", "two ", "three ", "four."])
    used = await _killed_in_mid_answer(sandbox, ada)
    words = used.text.split("\n")[0]
    await sandbox.start()
    assert (await marked(used)).text == words + MARK
    assert used.messages[0].components == []
    assert len(used.messages) == 1
    assert (await ask(ada, "And now?")).text
    assert used.text == words + MARK


async def test_what_a_killed_bot_had_reserved_before_the_first_token_is_released_at_the_next_start(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"})
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    used = await sandbox.user("Ada").command("/ask", prompt="Something.")
    await sandbox.openai.until(lambda: bool(sandbox.openai.calls(CallKind.CHAT)), DEADLINE_S)
    await sandbox.bot_process.kill()
    await sandbox.start()
    assert (await wait_until_final(used)).text == INTERRUPTED_BEFORE_TEXT
    assert (await ask(sandbox.user("Ada"), "My one question.")).deferred


async def test_an_answer_that_showed_costs_the_message_and_its_prompt_when_the_bot_is_killed(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await open_sandbox({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"}, directory=tmp_path)
    used = await _killed_in_mid_answer(sandbox, sandbox.user("Ada"))
    await sandbox.start()
    await marked(used)
    refused = await sandbox.user("Ada").command("/ask", prompt="Another one.")
    await refused.until(lambda each: "1 message" in each.text, deadline_s=DEADLINE_S)
    with closing(sqlite3.connect(tmp_path / "data" / "bot.db")) as database:
        windows = database.execute(
            "SELECT kind, sum(settled), sum(reserved) FROM usage_counters WHERE scope = 'server' GROUP BY kind"
        ).fetchall()
    counted = {kind: (settled, reserved) for kind, settled, reserved in windows}
    assert counted["messages"] == (1, 0)
    assert counted["tokens"][0] > 20  # the persona and the question by themselves
    assert counted["tokens"][1] == 0


@pytest.mark.parametrize(
    ("kind", "command", "option"),
    [(CallKind.CHAT, "/ask", "prompt"), (CallKind.SPEECH, "/say", "text"), (CallKind.IMAGES, "/draw", "prompt")],
)
async def test_nobody_is_left_thinking(
    sandbox: Sandbox, ada: ClientUser, kind: CallKind, command: str, option: str
) -> None:
    sandbox.openai.faults.next(kind, Hang())
    used = await ada.command(command, {option: "Something."})
    await sandbox.openai.until(lambda: bool(sandbox.openai.calls(kind)), DEADLINE_S)
    await sandbox.bot_process.kill()
    await sandbox.start()
    assert (await wait_until_final(used)).text == INTERRUPTED_BEFORE_TEXT


async def test_nobody_is_left_waiting_in_line(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RUNNING": "1"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    used = [await ada.command("/ask", prompt="Something.") for _ in range(2)]
    await used[1].until(lambda each: "in the queue" in each.text, deadline_s=DEADLINE_S)
    await sandbox.bot_process.kill()
    await sandbox.start()
    for each in used:
        await each.until(lambda shown: shown.text == INTERRUPTED_BEFORE_TEXT, deadline_s=DEADLINE_S)


async def test_a_private_answer_is_marked_too(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await _killed_in_mid_answer(sandbox, ada, private=True)
    await sandbox.start()
    assert (await marked(used)).private


async def test_the_last_of_several_messages_is_marked(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["word " * 450, "more words "] + ["and more "] * 20)
    used = await _killed_in_mid_answer(sandbox, ada, until=lambda each: len(each.messages) == 2, after=8)
    await sandbox.start()
    await marked(used)
    assert len(used.messages) == 2
    assert MARK not in used.messages[0].content


async def test_a_message_that_was_full_gets_the_mark_below_it(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["x" * 1999, "y" * 300])
    full = "x" * 1999
    used = await _killed_in_mid_answer(
        sandbox, ada, until=lambda each: any(len(message.content) > 1900 for message in each.messages), after=2
    )
    await sandbox.start()
    await marked(used)
    assert full[:1900] in used.text


async def test_an_answer_killed_right_behind_a_full_message_is_marked(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["word " * 450, "more words "] + ["and more "] * 400)
    sandbox.openai.faults.next(CallKind.CHAT, Slow(pace_s=0.05))
    used = await ada.command("/ask", prompt="Go on.")
    await used.until(lambda each: len(each.text) > 1900, deadline_s=DEADLINE_S)
    await sandbox.bot_process.kill()
    await sandbox.start()
    await marked(used)


async def test_an_answer_that_shows_to_its_end_is_left_as_it_is(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    """Killed before it was written down that its last message is there."""
    sandbox = await open_sandbox(directory=tmp_path)
    sandbox.openai.script("word " * 900, every=400)
    used = await ask(sandbox.user("Ada"), "Go on.")
    await sandbox.bot_process.until_logged("request command=ask", deadline_s=DEADLINE_S)
    first, second, _ = (message.id for message in used.messages)
    await sandbox.bot_process.kill()
    answer, where = used.interaction, used.interaction.channel.id
    row = (
        answer.id,
        "dead",
        sandbox.state.application_id,
        answer.token,
        where,
        f"{first} {second}",
        "words",
        3,
        time.time_ns() // 10**6,
    )
    with closing(sqlite3.connect(tmp_path / "data" / "bot.db")) as database, database:
        database.execute("INSERT OR REPLACE INTO inflight_answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)", row)
    await sandbox.start()
    await sandbox.bot_process.until_logged("marked=False", deadline_s=DEADLINE_S)
    assert [message.id for message in used.messages][:2] == [first, second]
    assert used.text.split() == ["word"] * 900


async def test_an_answer_whose_token_has_run_out_is_marked_by_the_bots_own(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await _killed_in_mid_answer(sandbox, ada)
    used.interaction.dispatched_at -= 16 * 60
    await sandbox.start()
    await sandbox.state.changed.until(lambda: used.text.endswith(MARK), deadline_s=DEADLINE_S, what="the mark")
    (edit,) = sandbox.traffic_log.find(lambda entry: entry.method == "PATCH" and entry.path.startswith("/channels/"))
    assert edit.status == 200


async def test_what_nobody_can_reach_is_logged_without_the_token(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await _killed_in_mid_answer(sandbox, ada, private=True)
    used.interaction.dispatched_at -= 16 * 60
    await sandbox.start()
    line = await sandbox.bot_process.until_logged("interrupted answer out of reach", deadline_s=DEADLINE_S)
    assert str(used.interaction.id) in line
    assert used.interaction.token not in "\n".join(sandbox.bot_process.log)
    assert is_streaming(used)


async def test_siblings_mark_the_answers_of_the_dead_and_leave_those_of_the_living_alone(sandbox: Sandbox) -> None:
    sandbox.openai.faults.always(CallKind.CHAT, Stall(after=6))
    orphans = await _three_answers(sandbox)
    sibling = await sandbox.start_second()
    await sandbox.bot_process.kill()
    alive = await _three_answers(sandbox)
    await all_of(marked(used) for used in orphans)
    await sandbox.start()
    await sandbox.bot_process.until_logged("commands unchanged", deadline_s=DEADLINE_S)
    assert all(is_streaming(used) for used in alive)
    sandbox.openai.faults.release()
    assert [each for each in await all_of(wait_until_final(used) for used in alive) if MARK in each.text] == []
    assert [line for line in sibling.log if "interrupted answer" in line and "marked=True" in line]


async def _three_answers(sandbox: Sandbox) -> list[InteractionResult]:
    people = [sandbox.join(f"Member {sandbox.traffic_log.number} {number}") for number in range(3)]
    return [await wait_until_started(await person.command("/ask", prompt="Go on.")) for person in people]


async def _killed_in_mid_answer(
    sandbox: Sandbox,
    person: ClientUser,
    *,
    until: Callable[[InteractionResult], bool] = is_streaming,
    after: int = 4,
    **options: Any,
) -> InteractionResult:
    """Ask, let the answer begin and fall silent, and kill the bot."""
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=after))
    used = await person.command("/ask", prompt="Go on.", **options)
    await used.until(until, deadline_s=DEADLINE_S)
    assert await sandbox.bot_process.kill() == -9
    return used
