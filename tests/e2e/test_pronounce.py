"""/pronounce: how a server has words said, as the speech API is told and nobody else."""

from sandbox.client.components import find_buttons
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, OpenSandbox, ask, press_button, run_command
from tests.support.observations import usage


def _sent(sandbox: Sandbox) -> str:
    """What the speech API was asked to say last."""
    return str(sandbox.openai.calls(CallKind.SPEECH)[-1].body["input"])


async def test_a_servers_words_are_said_its_way_and_written_as_ever(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    mo, ada = sandbox.user("Mo"), sandbox.user("Ada")
    assert "as they are written" in (await run_command(ada, "/pronounce list")).text

    added = await run_command(mo, "/pronounce add", word="GIF", say="jiff **picture**")
    assert added.private
    assert added.text == "From now on I say “jiff picture” for “GIF”."
    await run_command(ada, "/say", text="A gif, the **Gif** and gifted people")
    assert _sent(sandbox) == "A jiff picture, the jiff picture and gifted people"
    assert (await usage(ada))["spoken characters"] == len(_sent(sandbox))

    await run_command(ada, "/say", text="A gif", channel="dm")
    assert _sent(sandbox) == "A gif"
    answered = await ask(ada, "What is a GIF?")
    assert "GIF" in answered.text
    assert "jiff" not in str(sandbox.openai.calls(CallKind.CHAT)[-1].body)

    changed = await run_command(mo, "/pronounce add", word="gif", say="ghiff")
    assert changed.text == "From now on I say “ghiff” for “gif”. Before, it was “jiff picture”."
    assert [choice["value"] for choice in await mo.completes("/pronounce remove", option="word", typed="G")] == ["gif"]
    assert await ada.completes("/pronounce remove", option="word", typed="G") == []
    assert (await run_command(ada, "/pronounce list")).text.splitlines()[1:] == ["- “gif”: “ghiff”"]
    assert "as it is written" in (await run_command(mo, "/pronounce remove", word="GIF")).text
    assert "has no pronunciation" in (await run_command(mo, "/pronounce remove", word="GIF")).text
    await run_command(ada, "/say", text="A gif")
    assert _sent(sandbox) == "A gif"
    refused = await run_command(mo, "/pronounce add", word="🎉", say="party")
    assert refused.private
    assert "letter or a number" in refused.text


async def test_a_long_list_has_pages(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    mo = sandbox.user("Mo")
    for number in range(13):
        await run_command(mo, "/pronounce add", word=f"word {number:02} {'*' * 50}", say="x*" * 60)
    shown = await run_command(mo, "/pronounce list")
    assert len(shown.text) <= 2000
    seen = shown.text
    for _ in range(9):
        if find_buttons(shown.messages[0].components)[-1].get("disabled"):
            break
        seen += await press_button(mo, shown, "Next")
    assert [f"word {number:02}" in seen for number in range(13)] == [True] * 13
