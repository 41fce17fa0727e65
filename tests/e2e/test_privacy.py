"""/privacy: what is kept about a member can be seen, taken along and deleted, and then their id is nowhere."""

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest

from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    ask,
    press_button,
    run_command,
    sent_questions,
    wait_until_final,
    wait_until_started,
)
from tests.support.history_schema import OWN_DATA
from tests.support.observations import columns_with, questions


@pytest.fixture
async def kept(open_sandbox: OpenSandbox, tmp_path: Path) -> Sandbox:
    """A sandbox whose database is in `tmp_path`."""
    return await open_sandbox(ANY_NUMBER, directory=tmp_path)


async def leave_traces(person: ClientUser) -> None:
    """Do everything that leaves something behind."""
    await ask(person, "public tide")
    await ask(person, "secret tide", private=True)
    await ask(person, "tide in a thread", channel="a thread")
    await ask(person, "tide in private", channel="dm")
    await run_command(person, "/voice settings", voice="nova", speed=1.5)
    await run_command(person, "/say", text="hello")
    await run_command(person, "/draw", prompt="a tide")
    await run_command(person, "/channel model", model="gpt-4o", channel="#random")
    own = {
        "scope": "member",
        "kind": "images",
        "limit": "5",
        "per": "day",
        "target_member": person.guild.members[person.id],
    }
    await run_command(person, "/quota set", **own)


async def test_stored_data_is_listed_by_channel(kept: Sandbox) -> None:
    mo = kept.user("Mo")
    await leave_traces(mo)
    shown = await run_command(mo, "/privacy show")
    assert shown.private
    assert "In this server: 3 questions with their answers, 1 of them private" in shown.text
    assert "In direct messages with me: 1 question" in shown.text
    assert "30 days" in shown.text
    assert "Settings that you changed as a moderator: 1" in shown.text
    assert "Limits that moderators set for you in particular: 1" in shown.text
    assert "The voice and the speed that you chose" in shown.text
    assert "No questions" in (await run_command(kept.user("Ada"), "/privacy show")).text


async def test_everything_of_ones_own_comes_as_a_file_and_nothing_of_others(kept: Sandbox) -> None:
    mo, ada = kept.user("Mo"), kept.user("Ada")
    await leave_traces(mo)
    await ask(ada, "Ada's tide")
    exported = await run_command(mo, "/privacy export")
    assert exported.private
    content = json.loads(exported.messages[0].attachments[0].data)
    jsonschema.validate(content, OWN_DATA)
    own = ["public tide", "secret tide", "tide in a thread", "tide in private"]
    assert [turn["question"] for turn in content["turns"]] == own
    assert content["others"]["settings"][0]["setting"] == "chat_model"
    assert content["others"]["voice_preferences"][0]["voice"] == "nova"
    assert kept.openai.calls(CallKind.SPEECH)[-1].body["voice"] == "nova"
    assert str(ada.id) not in exported.messages[0].attachments[0].data.decode()


async def test_after_a_deletion_the_id_is_nowhere(kept: Sandbox, tmp_path: Path) -> None:
    mo, ada = kept.user("Mo"), kept.user("Ada")
    await leave_traces(mo)
    await ask(ada, "Ada's tide")
    left = {"turns.author_id", "settings.changed_by", "quota_limits.member_id", "voice_settings.member_id"}
    left |= {"image_generations.author_id"}
    assert left <= set(columns_with(tmp_path, mo.id))
    asking = await run_command(mo, "/privacy delete")
    assert "4 questions" in asking.text
    assert "limits" in asking.text
    assert "turns.author_id" in columns_with(tmp_path, mo.id)
    done = await press_button(mo, asking, "Delete everything")
    assert "4 questions" in done
    assert columns_with(tmp_path, mo.id) == []
    assert columns_with(tmp_path, ada.id) != []
    await kept.restart()
    assert columns_with(tmp_path, mo.id) == []


async def test_others_conversations_close_up_and_settings_stay(kept: Sandbox) -> None:
    mo, ada = kept.user("Mo"), kept.user("Ada")
    await ask(ada, "first")
    await ask(mo, "second")
    await ask(ada, "third")
    await run_command(mo, "/channel model", model="gpt-4o")
    await press_button(mo, await run_command(mo, "/privacy delete"), "Delete everything")
    await ask(ada, "fourth")
    call = kept.openai.calls(CallKind.CHAT)[-1]
    assert sent_questions(call) == ["first", "third", "fourth"]
    assert call.body["model"] == "gpt-4o"
    assert questions((await run_command(ada, "/history show")).text) == ["fourth", "third", "first"]


async def test_an_answer_under_way_is_not_kept_after_a_deletion(kept: Sandbox, tmp_path: Path) -> None:
    ada = kept.user("Ada")
    kept.openai.faults.next(CallKind.CHAT, Stall())
    await wait_until_started(await ada.command("/ask", prompt="a tide to be forgotten"))
    await press_button(ada, await run_command(ada, "/privacy delete"), "Delete everything")
    kept.openai.faults.release()
    await kept.bot_process.until_logged("request command=ask", deadline_s=DEADLINE_S)
    await ask(ada, "and now?")
    assert sent_questions(kept.openai.calls(CallKind.CHAT)[-1]) == ["and now?"]


async def test_nor_is_one_that_another_process_is_writing(kept: Sandbox, tmp_path: Path) -> None:
    ada = kept.user("Ada")
    kept.openai.faults.next(CallKind.CHAT, Stall())
    writing = await wait_until_started(await ada.command("/ask", prompt="a tide to be forgotten"))
    sibling = await kept.start_second()
    stopping = asyncio.create_task(kept.bot_process.stop(within_s=DEADLINE_S))
    await kept.bot_process.until_logged("stopping")  # from here on its sibling alone takes new events
    await press_button(ada, await run_command(ada, "/privacy delete"), "Delete everything")
    assert any("data deleted" in line for line in sibling.log)
    kept.openai.faults.release()
    await stopping
    assert "a tide" in (await wait_until_final(writing)).text
    assert columns_with(tmp_path, ada.id) == []


async def test_the_log_names_no_one_whose_data_was_deleted_after_it(kept: Sandbox) -> None:
    ada = kept.user("Ada")
    await ask(ada, "tide")
    asking = await run_command(ada, "/privacy delete")
    lines = len(kept.bot_process.log)
    await press_button(ada, asking, "Delete everything")
    said = list(kept.bot_process.log)[lines:]
    assert any("data deleted" in line for line in said)
    assert not any(str(ada.id) in line for line in said)


async def test_deleting_buys_no_new_quota(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"})
    ada = sandbox.user("Ada")
    await ask(ada, "tide")
    await press_button(ada, await run_command(ada, "/privacy delete"), "Delete everything")
    refused = await run_command(ada, "/ask", prompt="another")
    assert refused.private
    assert "<t:" in refused.text
