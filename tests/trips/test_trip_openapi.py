"""All that the bot and the stand-in say to each other, against Discord's own description of its API."""

from sandbox.client.user import ClientUser
from sandbox.discord.rate_limits import DEFAULT_RATE_LIMIT
from sandbox.openai.faults import CONTENT_POLICY, Cut, Slow, Status
from sandbox.sandbox import Sandbox
from tests.support.make_picture import picture
from tests.support.trip_box import DEADLINE_S, OpenBox, ask, is_about, mention, use, whole
from tests.trips.menus import READ, asks_about
from tests.trips.openapi import OpenApi

LONG = "\n\n".join(f"{number}. " + "Of ships and shoes and sealing wax. " * 12 for number in range(1, 30))


async def test_every_request_and_answer_is_as_discord_describes_it(open_box: OpenBox):
    described = OpenApi.beside_the_checkout()
    box = await open_box({"MEMBER_RATE": "off"}, rates={"interaction.webhook": DEFAULT_RATE_LIMIT})
    ada, mo = box.user("Ada"), box.user("Mo")
    for words, length in (("short", 80), ("some messages", 5_000), ("a file", len(LONG))):
        box.openai.script(LONG[:length], when=is_about(words))
    await ask(ada, "short")
    several = await ask(ada, "some messages", private=True)
    await several.until(lambda seen: len(seen.messages) == 3)
    long = await ada.command("/ask", prompt="a file", channel="dm")
    await long.until(lambda seen: seen.messages and seen.messages[-1].attachments)
    box.openai.faults.next("chat", Slow(pace_s=0.05), Cut(8), when=is_about("broken off"))
    await ask(ada, "broken off", fresh=True, model="gpt-4.1-mini", channel="a thread")
    await use(ada, "/say", text="Said aloud.", voice="nova")
    await use(ada, "/draw", prompt="two ships", n=2, spoiler=True, size="1792x1024")
    drawn = await use(ada, "/draw", prompt="a ship")
    await whole(await ada.clicks(drawn.messages[0], "Again"))
    opened = await ada.clicks(drawn.messages[0], "Edit prompt")
    await opened.until(lambda each: each.modal)
    await whole(await ada.submits(opened, text="a boat"))
    for label in ("Regenerate", "Read aloud"):
        await whole(await ada.clicks(several.messages[-1], label))
    await (await ada.clicks(long.messages[-1], "Delete")).until_acknowledged()
    await box.state.changed.until(lambda: not long.messages, deadline_s=DEADLINE_S, what="the deletion")
    await use(mo, "/channel model", model="gpt-image-1", kind="image")
    for command in ("/models", "/usage", "/help"):
        await use(ada, command)
        await use(ada, command, channel="dm")
    for option, command in (("model", "/ask"), ("voice", "/say"), ("size", "/draw"), ("model", "/channel model")):
        await mo.completes(command, option=option, typed="1")
    assert {entry.method for entry in box.traffic_log.requests} == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert len([entry for entry in box.traffic_log.requests if entry.files]) >= 3
    assert described.complaints(box.traffic_log.requests) == []


async def test_messages_replies_menus_and_forms_are_as_described_too(open_box: OpenBox):
    described = OpenApi.beside_the_checkout()
    box = await open_box(
        {"QUOTA_MEMBER_MESSAGES_PER_DAY": "4"},
        rates={"message.create": DEFAULT_RATE_LIMIT, "message.edit": DEFAULT_RATE_LIMIT},
    )
    ada, cleo = box.user("Ada"), box.user("Cleo")
    box.openai.script(LONG, when=is_about("a file"))
    filed = await ada.asks("a file", channel="a thread")
    await filed.until(lambda each: each.messages and each.messages[-1].attachments)
    first = await mention(ada, "what is this?", files={"shot.png": picture(30, 20), "a.py": b"x = 1"})
    await mention(ada, "and that?", reply_to=first.messages[0])
    await mention(ada, "")
    await asks_about(ada, first.message, "who asked that?", choice="Only me")
    await whole(await cleo.uses_menu(READ, first.message))
    await mention(ada, "one more?")
    reacted = await ada.asks("and one more?")
    await reacted.until(lambda each: each.reactions)
    await box.bot_process.stop()
    written = {(entry.method, entry.template.rsplit("/", 1)[-1]) for entry in box.traffic_log.requests}
    assert {("POST", "typing"), ("POST", "messages"), ("PATCH", "{message_id}"), ("DELETE", "{message_id}")} <= written
    assert ("PUT", "@me") in written
    assert described.complaints(box.traffic_log.requests) == []


async def test_what_is_said_when_things_go_wrong_is_as_described_too(box: Sandbox, ada: ClientUser):
    described = OpenApi.beside_the_checkout()
    box.openai.faults.next("chat", Status(500))
    box.openai.faults.next("speech", Status(402))
    box.openai.faults.next("images", CONTENT_POLICY)
    await ask(ada, "does it fail?")
    await use(ada, "/say", text="Does it fail?")
    await use(ada, "/draw", prompt="a failure")
    for command, options in (
        ("/ask", {"prompt": "hm", "model": "nonsense"}),
        ("/say", {"text": "?!"}),
        ("/draw", {"prompt": "hm", "size": "a house"}),
        ("/usage", {"scope": "server"}),
        ("/channel model", {"model": "gpt-4o", "force": True}),
    ):
        assert (await use(ada, command, **options)).private
    assert described.complaints(box.traffic_log.requests) == []


async def test_a_second_start_is_as_described_too(open_box: OpenBox):
    described = OpenApi.beside_the_checkout()
    box = await open_box()
    assert await box.restart() == 0
    await ask(box.user("Ada"), "back?")
    assert described.complaints(box.traffic_log.requests) == []


async def test_the_description_would_find_a_fault(box: Sandbox, ada: ClientUser):
    described = OpenApi.beside_the_checkout()
    await use(ada, "/help")
    (entry,) = box.traffic_log.find(lambda each: "/callback" in each.path)
    entry.request["data"]["content"] = 5
    assert len(described.complaints([entry])) == 1
