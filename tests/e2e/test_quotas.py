"""Spending: what is over a ceiling is refused before anything is spent, and what the API refused is given back."""

import re
from collections.abc import Mapping

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai import chat, payloads
from sandbox.openai.calls import ApiCall, CallKind
from sandbox.openai.faults import Hang, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    run_command,
    wait_until_final,
    wait_until_started,
)

RESETS = r"<t:\d+:R>"
SERVER_IS_AT_ITS_LIMIT = re.compile(rf"This server has used its limit: 40 messages per day\. It resets {RESETS}\.")


@pytest.mark.alone
async def test_forty_of_two_hundred_asks_at_once_pass_and_what_the_api_refuses_is_given_back(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "QUOTA_SERVER_MESSAGES_PER_DAY": "40"})
    chat = sandbox.openai.faults
    chat.next(CallKind.CHAT, Hang(), Status(400), times=10)
    chat.next(CallKind.CHAT, Hang(), times=30)
    members = [sandbox.join(f"Member {number}") for number in range(20)]
    asks = [await member.command("/ask", prompt=f"question {turn}") for turn in range(10) for member in members]
    await all_of(used.until_acknowledged() for used in asks)
    refused = [used for used in asks if not used.deferred]

    assert len(refused) == 160
    assert all(used.private and SERVER_IS_AT_ITS_LIMIT.fullmatch(used.text) for used in refused)
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 40, DEADLINE_S)

    chat.release()
    passed = await all_of(wait_until_final(used) for used in asks if used.deferred)
    assert len([used for used in passed if "couldn't work with this request" in used.text]) == 10
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 40

    further = await all_of(ask(member, "once more") for member in members[:10])
    assert all(used.deferred and "sandbox" in used.text for used in further)
    eleventh = await ask(members[10], "me too")
    assert eleventh.private
    assert SERVER_IS_AT_ITS_LIMIT.fullmatch(eleventh.text)
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 50


@pytest.mark.parametrize(
    ("setting", "command", "within", "over", "sentence"),
    [
        (
            {"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"},
            "/ask",
            {"prompt": "Why?"},
            {"prompt": "And why?"},
            "You've used your limit: 1 message per day. It resets TIME.",
        ),
        (
            {"QUOTA_MEMBER_SPEECH_CHARACTERS_PER_DAY": "20"},
            "/say",
            {"text": "Hello there."},
            {"text": "Good morning to you."},
            "This needs 20 spoken characters, and your limit has 8 left: 20 spoken characters per day. It resets TIME.",
        ),
        (
            {"QUOTA_MEMBER_IMAGES_PER_DAY": "3"},
            "/draw",
            {"prompt": "a boat", "n": 2},
            {"prompt": "a fleet", "n": 4},
            "This needs 4 images, and your limit is 3 images per day. It resets TIME. Please ask for less.",
        ),
    ],
    ids=["messages", "speech characters", "images"],
)
async def test_a_members_ceiling_binds_that_member_only(
    open_sandbox: OpenSandbox,
    setting: Mapping[str, str],
    command: str,
    within: Mapping[str, object],
    over: Mapping[str, object],
    sentence: str,
) -> None:
    sandbox = await open_sandbox(setting)
    first = await run_command(sandbox.user("Ada"), command, **within)
    before = len(sandbox.openai.requests)
    second = await run_command(sandbox.user("Ada"), command, **over)
    assert first.deferred
    assert second.private
    assert re.sub(RESETS, "TIME", second.text) == sentence
    assert len(sandbox.openai.requests) == before
    assert (await run_command(sandbox.user("Ben"), command, **within)).deferred


async def test_usage_shows_what_was_used_and_what_is_under_way(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await run_command(ada, "/say", text="Hello there.")
    await run_command(ada, "/draw", prompt="a boat", n=2)
    first = await ask(ada, "Why?")
    sandbox.openai.faults.next(CallKind.CHAT, Stall())
    running = await wait_until_started(await ada.command("/ask", prompt="How long?"))
    shown = await run_command(ada, "/usage")
    assert first.deferred
    assert shown.private
    assert "- messages: 2 of 100 used" in shown.text
    assert "- spoken characters: 12 of 10,000 used" in shown.text
    assert "- images: 2 of 10 used" in shown.text
    assert "- messages: 2 used, no limit" in shown.text
    sandbox.openai.faults.release()
    await wait_until_final(running)
    server = await run_command(mo, "/usage", scope="server")
    assert "**You" not in server.text
    assert _tokens(server) == sum(_tokens_reported(call) for call in sandbox.openai.calls(CallKind.CHAT))


async def test_what_is_given_back_shows_in_usage(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), Status(400))
    asked = await ada.command("/ask", prompt="Why?")
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 1, DEADLINE_S)
    held = await run_command(ada, "/usage")
    sandbox.openai.faults.release()
    await wait_until_final(asked)
    given_back = await run_command(ada, "/usage")
    assert "- messages: 1 of 100 used" in held.text
    assert _tokens(held) > 256
    assert "- messages: 0 of 100 used" in given_back.text
    assert _tokens(given_back) == 0


async def test_only_a_moderator_sees_the_servers_usage(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    refused = await run_command(ada, "/usage", scope="server")
    shown = await run_command(mo, "/usage", scope="server")
    assert refused.private
    assert refused.text.startswith("You need the **Manage Server** permission here to do that.")
    assert shown.text.startswith("**This server, today**")


async def test_direct_messages_count_as_a_server_of_their_own(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"QUOTA_SERVER_MESSAGES_PER_DAY": "1"})
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    assert (await ask(ada, "Why?")).deferred
    assert "This server has used its limit: 1 message per day." in (await ask(ben, "Why?")).text
    assert (await ask(ada, "Why, between us?", channel="dm")).deferred
    spent = await ask(ada, "And why?", channel="dm")
    assert "You've used your limit for direct messages: 1 message per day." in spent.text
    assert (await ask(ben, "Why, between us?", channel="dm")).deferred
    usage = await run_command(ada, "/usage", channel="dm")
    assert "**Your direct messages, today**" in usage.text
    assert "- messages: 2 of 100 used" in usage.text


async def test_what_was_used_is_remembered_over_a_restart(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"})
    await ask(sandbox.user("Ada"), "Why?")
    await sandbox.restart()
    assert "You've used your limit: 1 message per day." in (await ask(sandbox.user("Ada"), "And why?")).text


def _tokens(usage: InteractionResult) -> int:
    """The tokens that `/usage` says are used."""
    found = re.search(r"- tokens: ([\d,]+) of", usage.text)
    assert found
    return int(found[1].replace(",", ""))


def _tokens_reported(call: ApiCall) -> int:
    """What the API said that a chat cost."""
    return chat.prompt_tokens(call.body) + payloads.tokens(call.answer or "")
