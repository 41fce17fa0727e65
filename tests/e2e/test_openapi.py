"""All that the bot and the sandbox say to each other, against Discord's own description of its API."""

from sandbox.client.user import ClientUser
from sandbox.discord.rate_limits import DEFAULT_RATE_LIMIT
from sandbox.openai.faults import CONTENT_POLICY, Cut, Slow, Status
from sandbox.sandbox import Sandbox
from tests.support.context_menus import READ, asks_about
from tests.support.e2e import DEADLINE_S, OpenSandbox, ask, mention, question_contains, run_command, wait_until_final
from tests.support.make_picture import picture
from tests.support.openapi import OpenApi

LONG = "\n\n".join(f"{number}. " + "Of ships and shoes and sealing wax. " * 12 for number in range(1, 30))


async def test_every_request_and_answer_is_as_discord_describes_it(open_sandbox: OpenSandbox) -> None:
    described = OpenApi.beside_the_checkout()
    sandbox = await open_sandbox({"MEMBER_RATE": "off"}, rates={"interaction.webhook": DEFAULT_RATE_LIMIT})
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    for words, length in (("short", 80), ("some messages", 5_000), ("a file", len(LONG))):
        sandbox.openai.script(LONG[:length], when=question_contains(words))
    await ask(ada, "short")
    several = await ask(ada, "some messages", private=True)
    await several.until(lambda seen: len(seen.messages) == 3)
    long = await ada.command("/ask", prompt="a file", channel="dm")
    await long.until(lambda seen: seen.messages and seen.messages[-1].attachments)
    sandbox.openai.faults.next("chat", Slow(pace_s=0.05), Cut(8), when=question_contains("broken off"))
    await ask(ada, "broken off", fresh=True, model="gpt-4.1-mini", channel="a thread")
    await run_command(ada, "/say", text="Said aloud.", voice="nova")
    await run_command(ada, "/draw", prompt="two ships", n=2, spoiler=True, size="1792x1024")
    drawn = await run_command(ada, "/draw", prompt="a ship")
    await wait_until_final(await ada.clicks(drawn.messages[0], "Again"))
    opened = await ada.clicks(drawn.messages[0], "Edit prompt")
    await opened.until(lambda each: each.modal)
    await wait_until_final(await ada.submits(opened, text="a boat"))
    for label in ("Regenerate", "Read aloud"):
        await wait_until_final(await ada.clicks(several.messages[-1], label))
    await (await ada.clicks(long.messages[-1], "Delete")).until_acknowledged()
    await sandbox.state.changed.until(lambda: not long.messages, deadline_s=DEADLINE_S, what="the deletion")
    await run_command(mo, "/channel model", model="gpt-image-1", kind="image")
    for command in ("/models", "/usage", "/help"):
        await run_command(ada, command)
        await run_command(ada, command, channel="dm")
    for option, command in (("model", "/ask"), ("voice", "/say"), ("size", "/draw"), ("model", "/channel model")):
        await mo.completes(command, option=option, typed="1")
    assert {entry.method for entry in sandbox.traffic_log.requests} == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert len([entry for entry in sandbox.traffic_log.requests if entry.files]) >= 3
    assert described.complaints(sandbox.traffic_log.requests) == []


async def test_messages_replies_menus_and_forms_are_as_described_too(open_sandbox: OpenSandbox) -> None:
    described = OpenApi.beside_the_checkout()
    sandbox = await open_sandbox(
        {"QUOTA_MEMBER_MESSAGES_PER_DAY": "4"},
        rates={"message.create": DEFAULT_RATE_LIMIT, "message.edit": DEFAULT_RATE_LIMIT},
    )
    ada, cleo = sandbox.user("Ada"), sandbox.user("Cleo")
    sandbox.openai.script(LONG, when=question_contains("a file"))
    filed = await ada.asks("a file", channel="a thread")
    await filed.until(lambda each: each.messages and each.messages[-1].attachments)
    first = await mention(ada, "what is this?", files={"shot.png": picture(30, 20), "a.py": b"x = 1"})
    await mention(ada, "and that?", reply_to=first.messages[0])
    await mention(ada, "")
    await asks_about(ada, first.message, "who asked that?", choice="Only me")
    await wait_until_final(await cleo.uses_menu(READ, first.message))
    await mention(ada, "one more?")
    reacted = await ada.asks("and one more?")
    await reacted.until(lambda each: each.reactions)
    await sandbox.bot_process.stop()
    written = {(entry.method, entry.template.rsplit("/", 1)[-1]) for entry in sandbox.traffic_log.requests}
    assert {("POST", "typing"), ("POST", "messages"), ("PATCH", "{message_id}"), ("DELETE", "{message_id}")} <= written
    assert ("PUT", "@me") in written
    assert described.complaints(sandbox.traffic_log.requests) == []


async def test_what_is_said_when_things_go_wrong_is_as_described_too(sandbox: Sandbox, ada: ClientUser) -> None:
    described = OpenApi.beside_the_checkout()
    sandbox.openai.faults.next("chat", Status(500))
    sandbox.openai.faults.next("speech", Status(402))
    sandbox.openai.faults.next("images", CONTENT_POLICY)
    await ask(ada, "does it fail?")
    await run_command(ada, "/say", text="Does it fail?")
    await run_command(ada, "/draw", prompt="a failure")
    for command, options in (
        ("/ask", {"prompt": "hm", "model": "nonsense"}),
        ("/say", {"text": "?!"}),
        ("/draw", {"prompt": "hm", "size": "a house"}),
        ("/usage", {"scope": "server"}),
        ("/channel model", {"model": "gpt-4o", "force": True}),
    ):
        assert (await run_command(ada, command, **options)).private
    assert described.complaints(sandbox.traffic_log.requests) == []


async def test_a_second_start_is_as_described_too(open_sandbox: OpenSandbox) -> None:
    described = OpenApi.beside_the_checkout()
    sandbox = await open_sandbox()
    assert await sandbox.restart() == 0
    await ask(sandbox.user("Ada"), "back?")
    assert described.complaints(sandbox.traffic_log.requests) == []


async def test_the_description_would_find_a_fault(sandbox: Sandbox, ada: ClientUser) -> None:
    described = OpenApi.beside_the_checkout()
    await run_command(ada, "/help")
    (entry,) = sandbox.traffic_log.find(lambda each: "/callback" in each.path)
    entry.request["data"]["content"] = 5
    assert len(described.complaints([entry])) == 1
