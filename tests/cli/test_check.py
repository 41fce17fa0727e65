"""`python -m bot check` from outside: a good set-up passes, and each thing that can be wrong is named."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.messages.database import usable
from bot.messages.operator import check_broken
from bot.messages.render import render
from bot.store.schema import migrations
from sandbox.bot_process import CHECKOUT, BotProcess
from sandbox.discord.gateway.gateway import MESSAGE_CONTENT
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Status
from sandbox.sandbox import Sandbox
from tests.support.cli_harness import CliHarness

NAMES = [
    "configuration",
    "API key",
    "models",
    "database",
    "voice libraries",
    "Discord token",
    "interactions endpoint",
    "clock",
]
NOBODY_LISTENS = "http://127.0.0.1:9/v10"


def told(child: BotProcess) -> dict[str, tuple[str, str]]:
    """Every line by its name: how it went, and what is said."""
    *lines_of_checks, _summary = child.output
    lines = [line.split(maxsplit=1) for line in lines_of_checks]
    return {rest.partition(": ")[0]: (status, rest.partition(": ")[2]) for status, rest in lines}


def failed(child: BotProcess) -> list[str]:
    return [name for name, (status, _) in told(child).items() if status == "FAIL"]


async def test_a_good_set_up_is_ok_in_every_line(harness: CliHarness) -> None:
    child = await harness.run("check")
    assert child.exit_status == 0
    assert list(told(child)) == NAMES
    assert {status for status, _ in told(child).values()} == {"ok"}
    assert child.output[-1] == "all 8 ok"
    assert list(child.log) == []
    assert list(harness.directory.iterdir()) == []
    assert not any(secret in "\n".join(child.output) for secret in (harness.discord.token, harness.openai.key))


async def test_a_database_in_use_is_ok(tmp_path: Path) -> None:
    async with Sandbox(directory=tmp_path) as sandbox:
        child = BotProcess(tmp_path, sandbox.bot_process.settings, arguments=("-m", "bot", "check"))
        await child.start()
        assert await child.wait() == 0
    assert told(child)["database"][1] == render(usable("data/bot.db"))


async def test_bad_configuration_is_status_2_and_nothing_else_is_looked_at(harness: CliHarness) -> None:
    child = await harness.run("check", HISTORY_TURNS="many", LOG_LEVEL="LOUD")
    assert child.exit_status == 2
    assert failed(child) == ["configuration"]
    assert list(told(child)) == ["configuration"]
    assert child.output[-1] == "1 of 1 failed"
    assert sorted(line.split(":")[0] for line in child.log) == ["HISTORY_TURNS", "LOG_LEVEL"]


async def test_a_wrong_key_is_named(harness: CliHarness) -> None:
    child = await harness.run("check", MULTIAPPAI_API_KEY="sk-of-somebody-else")
    assert child.exit_status == 1
    assert failed(child) == ["API key"]
    assert "MULTIAPPAI_API_KEY" in told(child)["API key"][1]
    assert told(child)["models"][0] == "skip"
    assert "sk-of-somebody-else" not in "\n".join(child.output)


async def test_an_account_without_credit_is_named(harness: CliHarness) -> None:
    harness.openai.faults.always(CallKind.MODELS, Status(402))
    child = await harness.run("check")
    assert failed(child) == ["API key"]
    assert "credit" in told(child)["API key"][1]


@pytest.mark.parametrize("name", ["DEFAULT_CHAT_MODEL", "DEFAULT_SPEECH_MODEL", "DEFAULT_IMAGE_MODEL"])
async def test_an_unknown_model_is_named_with_ones_that_are_there(harness: CliHarness, name: str) -> None:
    child = await harness.run("check", **{name: "gpt-of-tomorrow"})
    assert child.exit_status == 1
    assert failed(child) == ["models"]
    assert f"{name}: gpt-of-tomorrow" in told(child)["models"][1]
    assert "gpt-4.1-mini" in told(child)["models"][1]


async def test_allowed_models_that_match_nothing_are_named(harness: CliHarness) -> None:
    child = await harness.run("check", ALLOWED_MODELS="claude*")
    assert failed(child) == ["models"]
    assert "ALLOWED_MODELS" in told(child)["models"][1]


async def test_an_unwritable_directory_is_named(harness: CliHarness) -> None:
    child = await harness.run("check", DATABASE_URL="sqlite:////proc/nobody/may/bot.db")
    assert child.exit_status == 1
    assert failed(child) == ["database"]
    assert "/proc" in told(child)["database"][1]


async def test_a_newer_a_foreign_and_a_damaged_database_are_named_and_left_alone(harness: CliHarness) -> None:
    file = harness.directory / "bot.db"
    for prepare, words in ((_newer, "newer version"), (_foreign, "another program"), (_damaged, "damaged")):
        prepare(file)
        before = file.read_bytes()
        child = await harness.run("check", DATABASE_URL="sqlite:///bot.db")
        assert failed(child) == ["database"]
        assert words in told(child)["database"][1]
        assert file.read_bytes() == before
        file.unlink()


@pytest.mark.parametrize(("module", "named"), [("av", "av"), ("davey", "davey"), ("nacl", "PyNaCl")])
async def test_a_missing_voice_library_is_named(harness: CliHarness, tmp_path: Path, module: str, named: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / f"{module}.py").write_text("raise ImportError('not here')")
    child = await harness.run("check", PYTHONPATH=f"{blocked}:{CHECKOUT}")
    assert child.exit_status == 1
    assert failed(child) == ["voice libraries"]
    assert told(child)["voice libraries"][1].startswith(f"{named} (at least")
    assert "pip install" in told(child)["voice libraries"][1]


async def test_a_refused_token_is_named(harness: CliHarness) -> None:
    child = await harness.run("check", DISCORD_TOKEN="MTIzNDU2Nzg5MDEyMzQ1Njc4.a.b")
    assert child.exit_status == 1
    assert failed(child) == ["Discord token"]
    assert told(child)["interactions endpoint"][0] == "skip"
    assert told(child)["clock"][0] == "ok"


async def test_discord_and_the_service_out_of_reach_are_named(harness: CliHarness) -> None:
    child = await harness.run("check", DISCORD_API_BASE_URL=NOBODY_LISTENS, MULTIAPPAI_BASE_URL="http://127.0.0.1:9/v1")
    assert child.exit_status == 1
    assert failed(child) == ["API key", "Discord token"]
    assert list(told(child)) == NAMES
    assert child.output[-1] == "2 of 8 failed"


async def test_an_interactions_endpoint_is_named(harness: CliHarness) -> None:
    harness.discord.state.interactions_endpoint_url = "https://example.com/interactions"
    child = await harness.run("check")
    assert child.exit_status == 1
    assert failed(child) == ["interactions endpoint"]


async def test_an_intent_that_is_asked_for_and_switched_off_is_named(harness: CliHarness) -> None:
    child = await harness.run("check", MESSAGE_CONTENT="true")
    assert failed(child) == ["message content"]
    assert "developer portal" in told(child)["message content"][1]
    harness.discord.state.privileged_intents = MESSAGE_CONTENT
    child = await harness.run("check", MESSAGE_CONTENT="true")
    assert (child.exit_status, told(child)["message content"][0]) == (0, "ok")


@pytest.mark.parametrize(("ahead_s", "way"), [(-90, "ahead"), (90, "behind")])
async def test_a_clock_that_is_off_is_named(harness: CliHarness, ahead_s: int, way: str) -> None:
    harness.discord.state.clock_ahead_s = ahead_s
    child = await harness.run("check")
    assert child.exit_status == 1
    assert failed(child) == ["clock"]
    assert way in told(child)["clock"][1]


async def test_the_report_as_json_says_the_same(harness: CliHarness) -> None:
    wrong = {"DISCORD_API_BASE_URL": NOBODY_LISTENS}
    text, child = await harness.run("check", **wrong), await harness.run("check", "--json", **wrong)
    assert (text.exit_status, child.exit_status) == (1, 1)
    (line,) = child.output
    report = json.loads(line)
    assert report["summary"] == text.output[-1] == "1 of 8 failed"
    assert {each["name"]: (each["status"], each["text"]) for each in report["checks"]} == told(text)


async def test_bad_configuration_is_in_the_json_and_on_standard_error(harness: CliHarness) -> None:
    child = await harness.run("check", "--json", HISTORY_TURNS="many")
    assert child.exit_status == 2
    (line,) = child.output
    (check,) = json.loads(line)["checks"]
    assert (check["name"], check["status"]) == ("configuration", "FAIL")
    assert [line.split(":")[0] for line in child.log] == ["HISTORY_TURNS"]


@pytest.mark.parametrize("broken", ["bot.cli.check_discord", "bot.store.open", "bot.api.transport"])
async def test_a_check_that_breaks_is_a_line_and_the_others_go_on(
    harness: CliHarness, tmp_path: Path, broken: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.abc, sys\n"
        "class Breaker(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'bot.cli.check':\n"
        f"            import {broken} as module\n"
        "            def fail(*_, **__): raise RecursionError('a secret')\n"
        "            for each in ('_get', 'database_path', 'open_session'):\n"
        "                if hasattr(module, each): setattr(module, each, fail)\n"
        "sys.meta_path.insert(0, Breaker())\n"
    )
    child = await harness.run("check", PYTHONPATH=f"{tmp_path}:{CHECKOUT}")
    assert child.exit_status == 1
    assert list(child.log) == []
    (name,) = failed(child)
    assert told(child)[name][1] == render(check_broken("RecursionError"))
    assert child.output[-1].startswith("1 of ")


async def test_an_output_that_nobody_takes_is_one_line(harness: CliHarness) -> None:
    program = (
        "import os, sys\nsys.stdout.flush()\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'bot', 'check'])\n"
    )
    child = BotProcess(harness.directory, harness.settings, arguments=("-c", program))
    await child.start()
    assert await child.wait() == 1
    (line,) = child.log
    assert line.startswith("Standard output can't be written")


@pytest.mark.parametrize("descriptors", [(0,), (1,), (2,), (0, 1, 2)])
async def test_standard_streams_may_be_closed(harness: CliHarness, descriptors: tuple[int, ...]) -> None:
    closing = "".join(f"os.close({each}); " for each in descriptors)
    code = f"import os, sys; {closing}os.execv(sys.executable, [sys.executable, '-m', 'bot', 'check'])"
    child = BotProcess(harness.directory, harness.settings, arguments=("-c", code))
    await child.start()
    assert await child.wait() == 0
    assert not child.log


async def test_a_terminal_of_few_letters_is_no_matter(harness: CliHarness) -> None:
    child = await harness.run("check", PYTHONIOENCODING="ascii", DEFAULT_CHAT_MODEL="gpt-of-tomorrow")
    assert child.exit_status == 1
    assert list(child.log) == []


def _newer(file: Path) -> None:
    _foreign(file, f"PRAGMA user_version = {len(migrations()) + 1}", "PRAGMA application_id = 0x4D414142")


def _foreign(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        for statement in ("CREATE TABLE notes (text)", *statements):
            database.execute(statement)


def _damaged(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 64)
