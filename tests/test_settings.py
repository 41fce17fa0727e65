"""Settings: what is read, what is refused, and that no secret is ever shown."""

from pathlib import Path

import pytest

from bot import settings
from bot.errors import StartupError
from bot.messages import configuration
from bot.messages.render import render

SECRET = "sh-very-secret"
TOKEN = "MTAzNDU2Nzg5MDEyMzQ1Njc4OQ.sh-very.secret"
"""Of Discord's shape; the first part tells the application."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start each test in an empty directory with nothing set but the two secrets."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("MULTIAPPAI_API_KEY", SECRET)
    monkeypatch.chdir(tmp_path)


def faults() -> list[str]:
    with pytest.raises(StartupError) as caught:
        settings.load()
    assert caught.value.exit_status == 2
    return render(caught.value.message).splitlines()


def test_two_secrets_are_enough() -> None:
    loaded = settings.load()
    assert loaded.default_chat_model == "gpt-4.1"
    assert loaded.quota_server_messages_per_day is None
    assert loaded.database_url == "sqlite:///data/bot.db"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("HISTORY_TURNS=3\nLOG_LEVEL=debug\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("HISTORY_TURNS", "5")
    loaded = settings.load()
    assert (loaded.history_turns, loaded.log_level) == (5, "DEBUG")


def test_empty_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_TURNS", "")
    assert settings.load().history_turns == 20


def test_every_fault_is_told_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MULTIAPPAI_API_KEY")
    monkeypatch.setenv("HISTORY_TURNS", "many")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("CHAT_MODELS", "llama*")
    monkeypatch.setenv("IMAGE_MODELS", "flux, llama*")
    named = [line.split(":")[0] for line in faults()]
    assert named == [
        "MULTIAPPAI_API_KEY",
        "HISTORY_TURNS",
        "LOG_LEVEL",
        "IMAGE_MODELS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_TOKEN", f"Bot {SECRET}"),
        ("DISCORD_TOKEN", f'"{TOKEN}"'),
        ("DISCORD_TOKEN", f"'{TOKEN}"),
        ("DISCORD_TOKEN", f"{TOKEN}\n"),
        ("DISCORD_TOKEN", f"Bot{TOKEN}"),
        ("DISCORD_TOKEN", f"{TOKEN}.more"),
        ("DISCORD_TOKEN", "bm90LWEtbnVtYmVy.sh-very-secret.c"),
        ("DISCORD_TOKEN", TOKEN.rpartition(".")[0]),
        ("DISCORD_TOKEN", SECRET),
        ("DISCORD_TOKEN", "1034567890123456789"),
        ("MULTIAPPAI_API_KEY", f'"{SECRET}"'),
        ("MULTIAPPAI_API_KEY", f"'{SECRET}'"),
        ("MULTIAPPAI_API_KEY", f'{SECRET}"'),
        ("MULTIAPPAI_API_KEY", f"<{SECRET}>"),
        ("MULTIAPPAI_API_KEY", f"“{SECRET}”"),
        ("MULTIAPPAI_API_KEY", f"Bearer {SECRET}"),
        ("MULTIAPPAI_API_KEY", f"bearer:{SECRET}"),
        ("MULTIAPPAI_API_KEY", f" {SECRET}"),
        ("MULTIAPPAI_API_KEY", f"{SECRET}\r"),
        ("MULTIAPPAI_API_KEY", TOKEN),
        ("DISCORD_API_BASE_URL", "http://127.0.0.1:1/api"),
        ("DISCORD_API_BASE_URL", f"http://:{SECRET}@127.0.0.1:1/v10"),
        ("MULTIAPPAI_API_KEY", f"{SECRET}\nX: y"),
        ("MULTIAPPAI_BASE_URL", "ftp://example.org"),
        ("MULTIAPPAI_BASE_URL", "http://exa[mple"),
        ("MULTIAPPAI_BASE_URL", "https://user:pass@example.org/v1"),
        ("MULTIAPPAI_BASE_URL", f"http://:{SECRET}@example.org/v1"),
        ("MULTIAPPAI_BASE_URL", f"http://{SECRET}@example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http://@example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http://:@example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http:///v1"),
        ("MULTIAPPAI_BASE_URL", "http:example.org"),
        ("MULTIAPPAI_BASE_URL", "//example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http://http://example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http://example.org:99999/v1"),
        ("MULTIAPPAI_BASE_URL", "http://example.org:0/v1"),
        ("MULTIAPPAI_BASE_URL", "http://example.org:/v1"),
        ("MULTIAPPAI_BASE_URL", "http://example.org:port/v1"),
        ("MULTIAPPAI_BASE_URL", "http://exa mple.org/v1"),
        ("MULTIAPPAI_BASE_URL", " http://example.org/v1"),
        ("MULTIAPPAI_BASE_URL", "http://example.org/v1\n"),
        ("MULTIAPPAI_BASE_URL", "http://example.org/v1?"),
        ("MULTIAPPAI_BASE_URL", "http://example.org/v1#here"),
        ("MULTIAPPAI_BASE_URL", "http://a..b/v1"),
        ("MULTIAPPAI_BASE_URL", "http://.../v1"),
        ("MULTIAPPAI_BASE_URL", f"http://{'a' * 64}.org/v1"),
        ("MULTIAPPAI_BASE_URL", "'http://example.org/v1'"),
        ("MULTIAPPAI_BASE_URL", "http://example.org/v1'"),
        ("MULTIAPPAI_SPEECH_PATH", "audio/speech"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///data/bot.db\n"),
        ("DATABASE_URL", "sqlite:///data/bot.db'"),
        ("DATABASE_URL", "'sqlite:///data/bot.db'"),
        ("DATABASE_URL", "sqlite:///data/\udcff.db"),
        ("DEFAULT_CHAT_MODEL", "a model"),
        ("ALLOWED_MODELS", "gpt 4"),
        ("ALLOWED_MODELS", " , "),
        ("IMAGE_MODELS", ","),
        ("DEFAULT_PERSONA", "x" * 4001),
        ("DEFAULT_PERSONA", " "),
        ("DEFAULT_PERSONA", '"You are kind."'),
        ("DEFAULT_PERSONA", "'You are kind.'"),
        ("DEFAULT_PERSONA", "“You are kind.”"),
        ("DEFAULT_PERSONA", "kind\udcff"),
        ("DEFAULT_PERSONA", "kind\x1b[31m"),
        ("HISTORY_TURNS", "-1"),
        ("HISTORY_TOKENS", "0"),
        ("HISTORY_RETENTION_DAYS", "0"),
        ("QUOTA_SERVER_IMAGES_PER_DAY", "-1"),
        ("QUOTA_MEMBER_MESSAGES_PER_DAY", "lots"),
        ("MEMBER_RATE", "10"),
        ("MEMBER_RATE", "0/12"),
        ("MEMBER_RATE", "10/0"),
        ("MEMBER_RUNNING", "0"),
        ("CHANNEL_RUNNING", "-1"),
        ("CHANNEL_RUNNING", "many"),
        ("ALLOWED_GUILDS", "123,my server"),
        ("ALLOWED_GUILDS", ","),
        ("ALLOW_DMS", "perhaps"),
        ("BLOCKED_USERS", "0"),
        ("BLOCKED_USERS", "99999999999999999999"),
        ("MESSAGE_CONTENT", "some"),
        ("LOG_FORMAT", "xml"),
        ("SHUTDOWN_GRACE_SECONDS", "soon"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_look_like(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    (line,) = faults()
    assert line.startswith(f"{name}: expected ")
    assert SECRET not in line


def test_quotas_take_a_number_or_unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUOTA_MEMBER_MESSAGES_PER_DAY", "Unlimited")
    monkeypatch.setenv("QUOTA_SERVER_MESSAGES_PER_DAY", "0")
    loaded = settings.load()
    assert loaded.quota_member_messages_per_day is None
    assert loaded.quota_server_messages_per_day == 0


def test_how_much_at_once_can_be_set_or_off(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    assert (loaded.member_rate, loaded.member_running, loaded.channel_running) == ((10, 12), 3, 10)
    monkeypatch.setenv("MEMBER_RATE", "5 / 60")
    monkeypatch.setenv("MEMBER_RUNNING", "1")
    monkeypatch.setenv("CHANNEL_RUNNING", "OFF")
    loaded = settings.load()
    assert (loaded.member_rate, loaded.member_running, loaded.channel_running) == ((5, 60), 1, None)
    monkeypatch.setenv("MEMBER_RATE", "off")
    assert settings.load().member_rate is None


def test_where_the_bot_serves_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    assert (loaded.allowed_guilds, loaded.allow_dms, loaded.blocked_users) == ((), True, ())
    assert not loaded.message_content
    monkeypatch.setenv("ALLOWED_GUILDS", "1034567890123456789, 1034567890123456780")
    monkeypatch.setenv("ALLOW_DMS", "False")
    monkeypatch.setenv("BLOCKED_USERS", "42,")
    loaded = settings.load()
    assert loaded.allowed_guilds == (1034567890123456789, 1034567890123456780)
    assert (loaded.allow_dms, loaded.blocked_users) == (False, (42,))
    monkeypatch.setenv("MESSAGE_CONTENT", "true")
    assert settings.load().message_content


def test_models_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_MODELS", "gpt-4.1*, dall-e-3,")
    assert settings.load().allowed_models == ("gpt-4.1*", "dall-e-3")


def test_an_unreadable_file_is_one_line() -> None:
    Path(".env").write_bytes(b"DISCORD_TOKEN=\xff\xfe")
    (line,) = faults()
    assert line.startswith(".env: ")


def test_texts_may_have_quotation_marks_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_PERSONA", '"Ahoy" is your greeting.\nYou end with "Farewell"')
    assert settings.load().default_persona.endswith('"Farewell"')


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1:8080",
        "http://[::1]:11434/v1",
        "https://example.org./v1/",
        "http://my_host/v1",
        "https://exämple.org/a/b-c/v1",
    ],
)
def test_addresses_of_every_sound_kind_are_taken(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("MULTIAPPAI_BASE_URL", base)
    assert settings.load().multiappai_base_url == base.rstrip("/")


def test_another_discord_may_have_tokens_of_any_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", SECRET)
    monkeypatch.setenv("DISCORD_API_BASE_URL", "http://127.0.0.1:1/v10")
    assert settings.load().discord_token.get_secret_value() == SECRET


def test_a_slip_in_the_environment_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_GUILD", "1")
    monkeypatch.setenv("LOG_DIRECTORY", "/var/log")
    (warning,) = settings.load_with_warnings().warnings
    assert warning == configuration.similar_name_ignored("ALLOWED_GUILD", "ALLOWED_GUILDS")


def test_secrets_show_nowhere() -> None:
    loaded = settings.load()
    assert SECRET not in repr(loaded) + str(loaded) + loaded.model_dump_json()
