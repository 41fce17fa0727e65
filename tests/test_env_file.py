"""The `.env` file: every line that can't be meant as it stands is told, and none of what it says is."""

import os
from pathlib import Path

import pytest

from bot import settings
from bot.errors import StartupError
from bot.messages.render import render

SECRET = "sh-very-secret"
TOKEN = "MTAzNDU2Nzg5MDEyMzQ1Njc4OQ.sh-very.secret"
GOOD = f"DISCORD_TOKEN={TOKEN}\nMULTIAPPAI_API_KEY={SECRET}\n"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def faults(text: str | bytes) -> list[str]:
    Path(".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StartupError) as caught:
        settings.load()
    assert caught.value.exit_status == 2
    assert SECRET not in render(caught.value.message)
    assert TOKEN.partition(".")[2] not in render(caught.value.message)
    return render(caught.value.message).splitlines()


def loaded(text: str | bytes) -> settings.Settings:
    Path(".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    return settings.load()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('ALLOWED_GUILDS="123456789012345678', "ALLOWED_GUILDS"),
        ("BLOCKED_USERS: 1", "BLOCKED_USERS"),
        ("BLOCKED_USERS:1", "BLOCKED_USERS"),
        ("BLOCKED_USERS 1", "BLOCKED_USERS"),
        ("BLOCKED_USERS", "BLOCKED_USERS"),
        ("export BLOCKED_USERS", "BLOCKED_USERS"),
        ("set BLOCKED_USERS=1", "BLOCKED_USERS"),
        ("- BLOCKED_USERS=1", "BLOCKED_USERS"),
        ("DATABASE_URL='sqlite:////srv/bot.db", "DATABASE_URL"),
        ("DATABASE_URL='sqlite:////srv/bot.db' and more", "DATABASE_URL"),
        ('DEFAULT_PERSONA="oops', "DEFAULT_PERSONA"),
        ('DEFAULT_PERSONA="say "hello" to all"', "DEFAULT_PERSONA"),
        (f"MULTIAPPAI_API_KEYS '{SECRET}", "MULTIAPPAI_API_KEY"),
        (f"ALLOWED GUILDS={SECRET}", "ALLOWED_GUILDS"),
        (f"DISCORD_TOKEN{SECRET}", "DISCORD_TOKEN"),
        (SECRET, ".env"),
        (f"some {SECRET} words", ".env"),
        ("=1", ".env"),
        ("{", ".env"),
    ],
)
def test_a_line_that_does_not_parse_is_named_with_its_number(line: str, named: str) -> None:
    (told,) = faults(f"{GOOD}\n{line}\n")
    assert told.startswith(f"{named}: line 4 ")
    assert "expected" in told


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("ALLOWED_GUILD", "ALLOWED_GUILDS"),
        ("ALOWED_GUILDS", "ALLOWED_GUILDS"),
        ("ALLOWED_GIULDS", "ALLOWED_GUILDS"),
        ("ALLOWED-GUILDS", "ALLOWED_GUILDS"),
        ("allowed_guild", "ALLOWED_GUILDS"),
        ("DISCORDTOKEN", "DISCORD_TOKEN"),
        ("\u200bDISCORD_TOKEN", "DISCORD_TOKEN"),
        ("MULTIAPPAI_KEY", "MULTIAPPAI_API_KEY"),
        ("$env:ALLOWED_GUILDS", "ALLOWED_GUILDS"),
        ("QUOTA_MEMBER_MESSAGES", "QUOTA_MEMBER_MESSAGES_PER_DAY"),
        ("DISCORD_BOT_TOKEN", "DISCORD_TOKEN"),
        ("VOICE_TIMEOUT", "VOICE_IDLE_SECONDS"),
        ("HISTORY_LENGTH", "HISTORY_TURNS"),
        ("DEFAULT_MODEL", "DEFAULT_CHAT_MODEL"),
    ],
)
def test_a_slip_in_a_name_is_named_with_the_nearest_setting(name: str, right: str) -> None:
    (told,) = faults(f"{GOOD}{name}={SECRET}\n")
    assert "is not a setting" in told
    assert f"expected {right}," in told
    assert "line 3 of .env" in told
    assert told.startswith((f"{name}: ", f"{right}: "))


def test_other_names_are_ignored_and_remarked() -> None:
    Path(".env").write_text(f"{GOOD}COMPOSE_PROJECT_NAME=bot\nTZ=UTC\n{SECRET}=\n{SECRET}x=1\n")
    (warning,) = settings.load_with_warnings().warnings
    assert "COMPOSE_PROJECT_NAME, TZ" in render(warning)
    assert SECRET not in render(warning)


def test_every_fault_has_a_line() -> None:
    told = faults("MULTIAPPAI_API_KEY\nALLOWED_GUILD=1\nHISTORY_TURNS=many\nnonsense here\n")
    named = [line.split(":")[0] for line in told]
    assert sorted(named) == [".env", "ALLOWED_GUILD", "DISCORD_TOKEN", "HISTORY_TURNS", "MULTIAPPAI_API_KEY"]


def test_a_name_that_is_set_twice_is_named_with_both_lines() -> None:
    (told,) = faults(f"{GOOD}\nHISTORY_TURNS=3\n# a remark\nhistory_turns=4\n")
    assert told.startswith("HISTORY_TURNS: is set twice in .env, in lines 4 and 6")
    assert loaded(f"{GOOD}HISTORY_TURNS=\nHISTORY_TURNS=4\n").history_turns == 4


def test_a_closing_mark_that_was_found_in_a_later_line_is_named() -> None:
    (told,) = faults(f'{GOOD}DEFAULT_PERSONA="oops\nBLOCKED_USERS=1\nCOMPOSE_FILE="\n')
    assert told.startswith("DEFAULT_PERSONA: line 3 of .env runs over")
    (told,) = faults(f'{GOOD}COMPOSE_FILE="oops\r\nBLOCKED_USERS=1\r\nTZ="\r\n')
    assert told.startswith(".env: line 3 runs over")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("DEFAULT_PERSONA=Be kind. ALLOW_DMS=false", "DEFAULT_PERSONA"),
        ("DEFAULT_PERSONA=Be kind.\u2028ALLOW_DMS = false", "DEFAULT_PERSONA"),
        ("DATABASE_URL=sqlite:///data/bot.db export log_level=DEBUG", "DATABASE_URL"),
        ("MULTIAPPAI_API_KEY=MULTIAPPAI_API_KEY=" + SECRET, "MULTIAPPAI_API_KEY"),
    ],
)
def test_a_setting_within_the_value_of_another_is_named(line: str, named: str) -> None:
    (told,) = faults(f"DISCORD_TOKEN={TOKEN}\n{line}\n" + ("" if SECRET in line else f"MULTIAPPAI_API_KEY={SECRET}\n"))
    assert told.startswith(f"{named}: line 2 of .env has a setting within its value: expected ")


def test_a_value_in_quotation_marks_may_speak_of_settings() -> None:
    read = loaded(f"{GOOD}DEFAULT_PERSONA='Explain that ALLOW_DMS=false closes them.' # not ALLOW_DMS=true\n")
    assert read.default_persona == "Explain that ALLOW_DMS=false closes them."
    assert read.allow_dms


def test_a_value_may_have_several_lines_and_a_remark_behind_it() -> None:
    read = loaded(f'{GOOD}DEFAULT_PERSONA="Be kind.\r\nBe brief."  # who it is\nHISTORY_TURNS = 7 # turns\n')
    assert read.default_persona == "Be kind.\nBe brief."
    assert read.history_turns == 7


@pytest.mark.parametrize("value", ["sk-${NOPE}x", "sk-$HOME", "'sk-${HOME}'", "sk-#1"])
def test_a_secret_is_taken_literally(value: str) -> None:
    read = loaded(f"DISCORD_TOKEN={TOKEN}\nMULTIAPPAI_API_KEY={value}\n")
    assert read.multiappai_api_key.get_secret_value() == value.strip("'")


@pytest.mark.parametrize("encoded", [f"\ufeff{GOOD}", GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r"), GOOD[:-1]])
def test_marks_and_line_ends_of_every_system_are_read(encoded: str) -> None:
    read = loaded(encoded.encode())
    assert read.discord_token.get_secret_value() == TOKEN
    assert read.multiappai_api_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode() + b"CONTACT=\xff\n", "line 3"),
        (GOOD.encode() + b"A=1\0\n", "line 3 has a zero byte"),
        (b"#" * 70_000, "larger than"),
    ],
)
def test_a_file_that_is_no_text_is_one_line(data: bytes, words: str) -> None:
    (told,) = faults(data)
    assert told.startswith(".env: ")
    assert words in told


def test_a_folder_and_a_file_that_may_not_be_read_are_one_line() -> None:
    Path(".env").mkdir()
    with pytest.raises(StartupError, match=r"^\.env: is a folder: expected .*$"):
        settings.load()
    Path(".env").rmdir()
    Path(".env").symlink_to(".env")  # not even root may read that
    with pytest.raises(StartupError, match=rf"^\.env: can't be read \({os.strerror(40)}\): expected .*$"):
        settings.load()
