"""/history: shown in pages, exported as files, cleared, as far as the member may; asked again at every press."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest

from sandbox.client.user import ChannelRef, ClientUser
from sandbox.discord.permissions import Permission
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.e2e import OpenSandbox, ask, press_button, run_command, sent_questions
from tests.support.history_schema import HISTORY
from tests.support.observations import questions

READING = Permission.READ_MESSAGE_HISTORY


def take_away(sandbox: Sandbox, person: ClientUser, right: Permission, where: ChannelRef = None) -> None:
    """Take a right from a member in one channel."""
    sandbox.state.overwrite(person.channel(where), person.guild.members[person.id], deny=right)


async def test_the_newest_turns_come_first_in_pages_of_five(sandbox: Sandbox, ada: ClientUser) -> None:
    for number in range(1, 8):
        await ask(ada, f"question {number}")
    shown = await run_command(ada, "/history show")
    assert shown.private
    assert questions(shown.text) == [f"question {number}" for number in (7, 6, 5, 4, 3)]
    assert "1–5 of 7" in shown.text
    assert questions(await press_button(ada, shown, "Older")) == ["question 2", "question 1"]
    assert "6–7 of 7" in shown.text
    assert questions(await press_button(ada, shown, "Newer"))[0] == "question 7"


async def test_each_turn_says_who_asked_and_when_and_leads_to_its_message(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await ask(ada, "Where is the tide?")
    shown = await run_command(ada, "/history show")
    message = used.messages[0]
    assert f"https://discord.com/channels/{ada.guild.id}/{message.channel_id}/{message.id}" in shown.text
    assert "**Ada**" in shown.text
    (stamp,) = [word for word in shown.text.split() if word.startswith("<t:")]
    assert abs(int(stamp[3:-3]) - datetime.now(UTC).timestamp()) < 3600
    assert message.content[:40].split(".")[0] in shown.text.replace("\\", "")


async def test_nobody_sees_what_others_asked_privately(sandbox: Sandbox, ada: ClientUser, ben: ClientUser) -> None:
    await ask(ada, "public tide")
    await ask(ada, "secret tide", private=True)
    assert questions((await run_command(ada, "/history show")).text) == ["secret tide", "public tide"]
    assert questions((await run_command(ben, "/history show")).text) == ["public tide"]
    assert questions((await run_command(ada, "/history show", channel="a thread")).text) == []
    exported = await run_command(ben, "/history export", format="json")
    assert b"secret tide" not in exported.messages[0].attachments[0].data


async def test_a_page_can_be_turned_after_a_restart_and_after_its_turns_are_gone(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    answers = [await ask(ada, f"question {number}") for number in range(1, 8)]
    shown = await run_command(ada, "/history show")
    await sandbox.restart()
    mo.deletes(answers[2].messages[0])
    assert questions(await press_button(ada, shown, "Older")) == ["question 2", "question 1"]
    mo.deletes(answers[0].messages[0])
    assert questions(await press_button(ada, shown, "Newer")) == [f"question {number}" for number in (7, 6, 5, 4, 2)]


async def test_markdown_and_mentions_of_members_are_shown_as_they_were_typed(sandbox: Sandbox, ada: ClientUser) -> None:
    await ask(ada, "**bold** @everyone [x](https://evil.example)\n# heading\n" + "`" * 300)
    shown = await run_command(ada, "/history show")
    assert "\\*\\*bold\\*\\*" in shown.text
    assert "\n# heading" not in shown.text
    assert not shown.messages[0].pinged
    assert len(shown.text) < 500


@pytest.mark.parametrize("command", ["/history show", "/history export"])
async def test_without_the_right_nothing_is_shown(sandbox: Sandbox, ada: ClientUser, command: str) -> None:
    await ask(ada, "public tide")
    take_away(sandbox, ada, READING)
    refused = await run_command(ada, command)
    assert refused.private
    assert "Read Message History" in refused.text
    assert refused.messages[0].attachments == []
    assert "tide" not in refused.text
    assert (await run_command(ada, command, channel="#random")).private


async def test_a_right_taken_away_in_between_is_missed_at_the_press(sandbox: Sandbox, ada: ClientUser) -> None:
    for number in range(1, 8):
        await ask(ada, f"question {number}")
    shown = await run_command(ada, "/history show")
    before = shown.text
    take_away(sandbox, ada, READING)
    assert "Read Message History" in await press_button(ada, shown, "Older")
    assert shown.text == before


async def test_clearing_takes_moderators_and_is_asked_for_twice(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await ask(ada, "public tide")
    await ask(ada, "secret tide", private=True)
    await ask(mo, "a moderator's secret", private=True)
    refused = await run_command(ada, "/history clear", force=True)
    assert "Manage Messages" in refused.text
    asking = await run_command(mo, "/history clear")
    assert "2 questions" in asking.text
    assert questions((await run_command(ada, "/history show")).text) == ["secret tide", "public tide"]
    assert "deleted 2 questions" in await press_button(mo, asking, "Delete")
    assert asking.messages[0].components == []
    assert questions((await run_command(ada, "/history show")).text) == ["secret tide"]
    await ask(mo, "and now?")
    assert sent_questions(sandbox.openai.calls(CallKind.CHAT)[-1]) == ["and now?"]


async def test_a_moderator_who_is_one_no_more_clears_nothing(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    await ask(ada, "public tide")
    asking = await run_command(mo, "/history clear")
    take_away(sandbox, mo, Permission.MANAGE_MESSAGES)
    assert "Manage Messages" in await press_button(mo, asking, "Delete")
    assert questions((await run_command(ada, "/history show")).text) == ["public tide"]


async def test_in_a_direct_message_the_member_holds_every_right(sandbox: Sandbox, ada: ClientUser) -> None:
    await ask(ada, "tide", channel="dm")
    await ask(ada, "secret tide", channel="dm", private=True)
    shown = await run_command(ada, "/history show", channel="dm")
    assert questions(shown.text) == ["secret tide", "tide"]
    assert f"https://discord.com/channels/@me/{ada.channel('dm').id}/" in shown.text
    asking = await run_command(ada, "/history clear", channel="dm")
    assert "deleted 2 questions" in await press_button(ada, asking, "Delete")
    assert "nothing" in (await run_command(ada, "/history clear", channel="dm")).text


async def test_a_json_export_is_what_the_docs_say(sandbox: Sandbox, ada: ClientUser, ben: ClientUser) -> None:
    first = await ask(ada, "public tide 🌊")
    await ask(ben, "second tide")
    await ask(ada, "secret tide", private=True)
    exported = await run_command(ada, "/history export", format="json")
    assert exported.private
    (file,) = exported.messages[0].attachments
    assert file.filename.startswith(f"history-{ada.channel().id}-")
    content = json.loads(file.data)
    jsonschema.validate(content, HISTORY)
    assert [turn["question"] for turn in content["turns"]] == ["public tide 🌊", "second tide", "secret tide"]
    assert content["turns"][0]["answer"] == first.text
    assert content["turns"][0]["answer_message_ids"] == [str(first.messages[0].id)]
    assert content["turns"][1]["follows"] == content["turns"][0]["id"]
    assert "3 questions" in exported.text


async def test_a_markdown_export_can_be_read(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await ask(ada, "first line\nsecond line")
    exported = await run_command(ada, "/history export")
    (file,) = exported.messages[0].attachments
    assert file.filename.endswith(".md")
    text = file.data.decode()
    assert "> first line\n> second line\n" in text
    assert used.text in text
    assert f"/{used.messages[0].id})" in text


@pytest.mark.parametrize("written_in", ["markdown", "json"])
async def test_what_does_not_fit_a_file_is_the_oldest_and_said_so(open_sandbox: OpenSandbox, written_in: str) -> None:
    sandbox = await open_sandbox(attachment_size_limit=6000)
    ada = sandbox.user("Ada")
    for number in range(1, 9):
        sandbox.openai.script("A word. " * 100, every=400)
        await ask(ada, f"question {number}")
    exported = await run_command(ada, "/history export", format=written_in)
    (file,) = exported.messages[0].attachments
    assert 4000 < file.size <= 6000
    assert b"question 8" in file.data
    assert b"question 1" not in file.data
    assert "of 8" in exported.text


async def test_an_empty_history_is_said_to_be_empty(sandbox: Sandbox, ada: ClientUser) -> None:
    assert "nothing" in (await run_command(ada, "/history show")).text
    exported = await run_command(ada, "/history export", format="json")
    jsonschema.validate(json.loads(exported.messages[0].attachments[0].data), HISTORY)
