"""A text channel read aloud to those who listen."""

from bot.sandbox.model_calls import Kind
from bot.sandbox.sandbox import Sandbox
from tests.support.listening import OTHER, idle, in_the_lounge
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, use, whole

MESSAGE_CONTENT = 1 << 15


def _said(box: Sandbox) -> list[str]:
    return [call.body["input"] for call in box.model_api.calls(Kind.SPEECH)]


async def test_what_listeners_write_in_the_channel_is_read_aloud(open_box: OpenBox) -> None:
    env = {**ANY_NUMBER, "MESSAGE_CONTENT": "true"}
    box = await open_box(env, privileged_intents=MESSAGE_CONTENT)
    ada, ben = await in_the_lounge(box, box.person("Ada"), box.person("Ben"))
    cleo, mo = box.person("Cleo"), box.person("Mo")
    cleo.joins_voice(OTHER)
    await ada.says("Nobody has asked for this to be read.", channel="#general")
    refused = await whole(await ada.command("/voice read", {"channel": ada.place("#general")}))
    assert refused.text.startswith("You need the **Manage Channels** permission here")
    done = await whole(await mo.command("/voice read", {"channel": mo.place("#general")}))
    assert done.private
    assert done.text.startswith("From now on I read aloud what those who listen to me")
    said = [
        (ada, "#general", "Good evening."),
        (ada, "#general", "Is everybody there?"),
        (ben, "#general", f"I am, {ada.user.name}."),
        (ben, "#random", "This is another channel."),
        (cleo, "#general", "I listen to somebody else."),
        (mo, "#general", "I listen to nobody."),
        (ada, "#general", f"<@{ben.user.id}> " + "goes on and on and on and never stops, " * 12),
    ]
    for person, channel, text in said:
        await person.says(text, channel=channel)
        await idle(ada)
    await box.voice.bell.until(lambda: len(_said(box)) == 4, deadline_s=DEADLINE_S, what="four messages")
    assert _said(box)[:3] == ["Ada says: Good evening.", "Is everybody there?", "Ben says: I am, Ada."]
    assert _said(box)[3].startswith("Ada says: Ben goes on and on")
    assert _said(box)[3].endswith("and so on.")
    assert len(_said(box)[3]) < 350
    off = await use(mo, "/voice read")
    assert off.text == "From now on I read no channel aloud."
    await ada.says("And now it is quiet.", channel="#general")
    await idle(ada)
    assert len(_said(box)) == 4


async def test_without_the_intent_it_says_what_is_missing(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    mo = box.person("Mo")
    refused = await whole(await mo.command("/voice read", {"channel": mo.place("#general")}))
    assert refused.private
    assert "`MESSAGE_CONTENT=true`" in refused.text
