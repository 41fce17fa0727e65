"""Moderators' limits, through the real bot: setting, meeting, seeing and taking them back."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.entities import Member
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import StreamStyle
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, all_of, ask, press_button, run_command
from tests.support.observations import columns_with

RESETS = re.compile(r"<t:(\d+):R>")
FIVE = {"scope": "server", "kind": "messages", "limit": "5", "per": "hour"}


@pytest.fixture
async def sandbox(open_sandbox: OpenSandbox) -> Sandbox:
    return await open_sandbox(ANY_NUMBER)


async def set_quota(
    person: ClientUser, scope: str, kind: str, limit: str, per: str, **options: object
) -> InteractionResult:
    return await run_command(person, "/quota set", scope=scope, kind=kind, limit=limit, per=per, **options)


def text_without_times(used: InteractionResult) -> str:
    """The text, with every time in it replaced."""
    assert used.private
    return RESETS.sub("TIME", used.text)


def member_of(person: ClientUser) -> Member:
    return person.guild.members[person.id]


async def test_a_limit_is_set_met_seen_and_taken_back(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    done = await set_quota(mo, "member", "messages", "1", "hour")
    assert text_without_times(done) == "Limit set: each member can send 1 message per hour (next reset TIME)."
    await ask(ada, "Why?")
    refused = await ask(ada, "And why?")
    assert text_without_times(refused) == "You've used your limit in this server: 1 message per hour. It resets TIME."
    usage, listed = await run_command(ada, "/usage"), await run_command(mo, "/quota list")
    assert "**You in this server, this hour**, resets TIME\n- messages: 1 of 1 used" in text_without_times(usage)
    assert "- each member: 1 message per hour\n" in text_without_times(listed)
    (hour,) = set(RESETS.findall(refused.text))
    assert {hour} <= set(RESETS.findall(usage.text)) & set(RESETS.findall(listed.text)) & set(RESETS.findall(done.text))
    gone = await run_command(mo, "/quota clear", scope="member", kind="messages", per="hour")
    assert text_without_times(gone) == "Limit removed: 1 message per hour for each member. Other limits still apply."
    assert (await ask(ada, "Now?")).deferred
    again = await run_command(mo, "/quota clear", scope="member", kind="messages", per="hour")
    assert text_without_times(again) == "There is no such limit. `/quota list` shows those that there are."


async def test_the_list_has_the_moderators_and_the_operators_limits(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "QUOTA_MEMBER_IMAGES_PER_DAY": "unlimited"})
    mo, ada = sandbox.user("Mo"), sandbox.user("Ada")
    empty = await run_command(mo, "/quota list")
    role = next(role for role in mo.guild.roles.values() if role.name == "Moderators")
    await set_quota(mo, "role", "images", "unlimited", "day", target_role=role)
    await set_quota(mo, "member", "tokens", "1,000", "month", target_member=member_of(ada))
    await set_quota(mo, "channel", "messages", "20", "hour", target_channel=mo.channel("random"))
    await set_quota(mo, "server", "messages", "40", "day")
    await set_quota(mo, "server", "speech_characters", "0", "day")
    operators = (
        "**The operator's limits, which always apply**\n"
        "- each member, over all servers: 100 messages per day, 10,000 spoken characters per day and unlimited images "
        "per day\n"
        "- this server as a whole: unlimited messages per day, 1,000,000 tokens per day, 100,000 spoken characters per "
        "day and 100 images per day\n"
        "Hourly limits reset TIME, daily limits TIME, monthly limits TIME."
    )
    assert text_without_times(empty) == f"Moderators have set no limits in this server.\n{operators}"
    assert text_without_times(await run_command(mo, "/quota list")) == (
        "**Limits set by moderators**\n"
        "- this server as a whole: 40 messages per day and 0 spoken characters per day\n"
        f"- <#{mo.channel('random').id}>: 20 messages per hour\n"
        f"- <@{ada.id}>: 1,000 tokens per month\n"
        f"- each member with <@&{role.id}>: unlimited images per day\n"
        f"{operators}"
    )


async def test_a_long_list_goes_on_in_further_private_messages_and_has_an_end(sandbox: Sandbox, mo: ClientUser) -> None:
    people = [sandbox.join(f"Member {number}") for number in range(34)]
    for person in people:
        for kind in ("messages", "tokens", "speech_characters"):
            last = await set_quota(mo, "member", kind, "1000", "month", target_member=member_of(person))
    assert text_without_times(last) == "This server has 100 limits, which is the most I can store. Remove one first."
    listed = await run_command(mo, "/quota list")
    await listed.until(lambda each: "monthly limits" in each.text, deadline_s=DEADLINE_S)
    assert len(listed.messages) > 1
    assert all(message.ephemeral and len(message.content) <= 2000 for message in listed.messages)
    assert all(f"<@{person.id}>" in listed.text for person in people)


async def test_a_thread_counts_as_its_channel(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser, mo: ClientUser
) -> None:
    await set_quota(mo, "channel", "messages", "2", "day", target_channel=mo.channel("a thread"))
    assert f"<#{mo.channel('general').id}>: 2 messages per day" in (await run_command(mo, "/quota list")).text
    assert (await ask(ada, "Why?", channel="a thread")).deferred
    assert (await ask(ben, "Why?", channel="general")).deferred
    for where in ("a thread", "general"):
        refused = await ask(ada, "And why?", channel=where)
        assert text_without_times(refused) == "This channel has used its limit: 2 messages per day. It resets TIME."
    assert (await ask(ada, "And why?", channel="random")).deferred


async def test_the_kindest_of_a_members_roles_counts_and_a_role_without_limit_exempts(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    everyone, fans = ada.guild.roles[ada.guild.id], sandbox.state.add_role(ada.guild, "Fans", 0)
    moderators = next(role for role in ada.guild.roles.values() if role.name == "Moderators")
    sandbox.state.add_member(ada.guild, ada.user, roles=[fans])
    await set_quota(mo, "role", "messages", "1", "day", target_role=everyone)
    await set_quota(mo, "role", "messages", "2", "day", target_role=fans)
    done = await set_quota(mo, "role", "messages", "unlimited", "day", target_role=moderators)
    assert text_without_times(done) == (
        f"Limit set: each member with <@&{moderators.id}> can send unlimited messages per day (next reset TIME).\n"
        "No limit on messages for roles or members applies to them any more; those of channels, of the server and of "
        "the operator still do."
    )
    ben = sandbox.user("Ben")
    asked = [await ask(person, "Why?") for person in (ada, ada, ada, ben, ben, mo, mo, mo)]
    assert [used.deferred for used in asked] == [True, True, False, True, False, True, True, True]
    assert "You've used your limit as @everyone: 1 message per day." in asked[4].text
    assert "**You as @everyone, today**" in (await run_command(ben, "/usage")).text
    usage = (await run_command(mo, "/usage")).text
    assert f"**You as <@&{moderators.id}>, today**" in usage
    assert "- messages: 3 used, no limit" in usage


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"limit": "many"}, "`limit` has to be a whole number from 0 to 1,000,000,000,000, such as 50, or the word"),
        ({"limit": "-1"}, "`limit` has to be a whole number"),
        ({"limit": "1.5"}, "`limit` has to be a whole number"),
        ({"limit": "9" * 32}, "`limit` has to be a whole number"),
        ({"limit": "٣"}, "`limit` has to be a whole number"),
        ({"scope": "role"}, "Choose the role in `target_role`"),
        ({"target_channel": "general"}, "`target_channel` works only with the scope `channel`."),
        ({"scope": "channel", "target_member": "Ada"}, "`target_member` works only with the scope `member`."),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(
    sandbox: Sandbox, mo: ClientUser, options: dict[str, str], sentence: str
) -> None:
    given: dict[str, object] = {**FIVE, **options}
    if "target_channel" in given:
        given["target_channel"] = mo.channel("general")
    if "target_member" in given:
        given["target_member"] = member_of(sandbox.user("Ada"))
    refused = await run_command(mo, "/quota set", **given)
    assert refused.private
    assert refused.text.startswith(sentence)
    assert "no limits" in (await run_command(mo, "/quota list")).text


async def test_only_moderators_may_even_where_discord_lets_the_command_through(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await run_command(mo, "/quota set", **FIVE)
    with pytest.raises(ClientRejected):
        await ada.command("/quota list")
    less = {"scope": "server", "kind": "messages", "per": "hour"}
    for command, options in (("set", {**FIVE, "limit": "unlimited"}), ("clear", less), ("list", {})):
        used = await run_command(ada, f"/quota {command}", **options, force=True)
        assert used.private
        assert used.text.startswith("You need the **Manage Server** permission here to do that.")
    assert "5 messages per hour" in (await run_command(mo, "/quota list")).text
    member_of(mo).role_ids.clear()
    refused = await run_command(mo, "/quota clear", **less, force=True)
    assert "**Manage Server**" in refused.text
    assert "**Manage Server**" in (await run_command(mo, "/usage", scope="server")).text


async def test_in_direct_messages_there_is_nothing_to_set(sandbox: Sandbox, mo: ClientUser) -> None:
    refused = await run_command(mo, "/quota set", **FIVE, channel="dm", force=True)
    assert text_without_times(refused) == "That only works in a server."


async def test_a_member_who_deletes_their_data_gains_no_new_quota(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, directory=tmp_path)
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    await set_quota(mo, "member", "messages", "2", "day", target_member=member_of(ada))
    await ask(ada, "Why?")
    assert "Limits that moderators set for you in particular: 1" in (await run_command(ada, "/privacy show")).text
    await press_button(ada, await run_command(ada, "/privacy delete"), "Delete everything")
    assert columns_with(tmp_path, ada.id) == []
    assert "- a member who had their data deleted: 2 messages per day" in (await run_command(mo, "/quota list")).text
    assert "- messages: 1 of 2 used" in (await run_command(ada, "/usage")).text
    assert (await ask(ada, "And why?")).deferred
    assert "You've used your limit in this server: 2 messages per day." in (await ask(ada, "But why?")).text
    less = {"scope": "member", "kind": "messages", "per": "day"}
    gone = await run_command(mo, "/quota clear", target_member=member_of(ada), **less)
    assert "2 messages per day" in gone.text
    assert (await ask(ada, "Now?")).deferred


async def test_exactly_the_limit_is_granted_to_many_members_at_once_by_two_processes(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    shared = {**ANY_NUMBER, "DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"}
    one = await open_sandbox(shared)
    two = await open_sandbox(shared, state=one.state)
    people = [
        (sandbox.join if sandbox is one else sandbox.user)(f"Member {n}") for n in range(5) for sandbox in (one, two)
    ]
    await run_command(one.user("Mo"), "/quota set", **FIVE)
    asked = await all_of(ask(people[turn % 10], f"question {turn}") for turn in range(25))
    assert len([used for used in asked if used.deferred]) == 5
    assert len(one.openai.calls(CallKind.CHAT)) + len(two.openai.calls(CallKind.CHAT)) == 5
    refused = {text_without_times(used) for used in asked if not used.deferred}
    assert refused == {"This server has used its limit: 5 messages per hour. It resets TIME."}
    assert "- messages: 5 of 5 used" in (await run_command(two.user("Mo"), "/usage", scope="server")).text
    await run_command(two.user("Mo"), "/quota clear", scope="server", kind="messages", per="hour")
    assert (await ask(people[0], "Now?")).deferred


async def test_an_answer_stops_at_the_last_block_keeps_its_text_and_says_so(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    path = tmp_path / "bot.db"
    sandbox = await open_sandbox({**ANY_NUMBER, "DATABASE_URL": f"sqlite:///{path}"})
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    await set_quota(mo, "server", "tokens", "1000", "hour")
    sandbox.openai.script("word " * 4_000, every=100)
    used = await ada.command("/ask", prompt="At length, please.")
    await used.until(lambda each: "\n-# I had" in each.text, deadline_s=DEADLINE_S)
    text, note = used.text.rsplit("\n-# ", 1)
    assert RESETS.sub("TIME", note) == (
        "I had to stop here because this server's limit has no room for more: 1,000 tokens per hour. It resets TIME."
    )
    assert 256 * 4 - 10 <= len(text) <= 4_000
    await sandbox.openai.until(lambda: not sandbox.openai.calls(CallKind.CHAT)[0].running, DEADLINE_S)
    with closing(sqlite3.connect(path)) as store:
        windows = store.execute("SELECT settled, reserved FROM usage_counters WHERE period = 'hour'").fetchall()
        turns = store.execute("SELECT finish_reason, prompt_tokens + answer_tokens, answer FROM turns").fetchall()
    assert windows == [(turns[0][1], 0)]
    assert windows[0][0] <= 1_000
    assert turns[0][0] == "limited"
    assert turns[0][2].split() == text.split()


async def test_hidden_reasoning_that_takes_all_there_is_says_so_in_place_of_an_answer(
    sandbox: Sandbox, mo: ClientUser
) -> None:
    await set_quota(mo, "server", "tokens", "700", "hour")
    sandbox.openai.faults.next(CallKind.CHAT, StreamStyle(reasoning=("Let me think. " * 40,) * 30))
    used = await ask(mo, "Why?")
    assert used.deferred
    assert used.text.startswith(
        "I had to stop here because this server's limit has no room for more: 700 tokens per hour."
    )
    assert re.search(r"- tokens: (5|6)\d\d of 700 used", (await run_command(mo, "/usage")).text)


async def test_what_the_api_reports_beyond_the_limit_is_charged_to_the_next_hour(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    path = tmp_path / "bot.db"
    sandbox = await open_sandbox({**ANY_NUMBER, "DATABASE_URL": f"sqlite:///{path}"})
    mo = sandbox.user("Mo")
    await set_quota(mo, "server", "tokens", "500", "hour")
    sandbox.openai.faults.next(CallKind.CHAT, StreamStyle(reasoning=("x",) * 500))  # the sandbox counts each as a token
    assert "I had to stop" not in (await ask(mo, "Why?")).text
    with closing(sqlite3.connect(path)) as store:
        (turn,) = store.execute("SELECT prompt_tokens + answer_tokens FROM turns").fetchone()
        hours = store.execute(
            "SELECT settled FROM usage_counters WHERE period = 'hour' ORDER BY starts_at_ms"
        ).fetchall()
    assert hours == [(500,), (turn - 500,)]
    assert "- tokens: 500 of 500 used" in (await run_command(mo, "/usage")).text


async def test_tokens_are_never_over_by_our_count_whoever_asks_at_once(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    path = tmp_path / "bot.db"
    one = await open_sandbox({**ANY_NUMBER, "DATABASE_URL": f"sqlite:///{path}"})
    two = await open_sandbox({**ANY_NUMBER, "DATABASE_URL": f"sqlite:///{path}"}, state=one.state)
    await set_quota(one.user("Mo"), "server", "tokens", "9000", "day")
    for sandbox in (one, two):
        for _ in range(12):
            sandbox.openai.script("word " * 1_200, every=150)
    people = [one.join(f"Member {n}") if n % 2 else two.join(f"Member {n}") for n in range(24)]
    asking = asyncio.gather(*(ask(person, "Tell me all.") for person in people))
    seen = []
    with closing(sqlite3.connect(path)) as store:
        while not asking.done():
            await asyncio.wait({asking}, timeout=0.05)
            query = "SELECT settled + reserved FROM usage_counters WHERE scope = 'server' AND kind = 'tokens'"
            seen += [used for (used,) in store.execute(query)]
        asked = await asking
        spent = store.execute("SELECT sum(prompt_tokens + answer_tokens) FROM turns").fetchone()[0]
        (settled, reserved) = store.execute(
            "SELECT sum(settled), sum(reserved) FROM usage_counters WHERE scope = 'server' AND kind = 'tokens'"
        ).fetchone()
    assert max(seen) <= 9_000
    assert (settled, reserved) == (spent, 0)
    assert any("I had to stop here" in used.text for used in asked)
    assert any(not used.deferred and "9,000 tokens" in used.text for used in asked)
