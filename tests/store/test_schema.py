import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.schema import Migration, NewerThanCode, migrations, upgrade, version_of

QUOTAS = 6
"""The number of the migration that brought the moderators' limits."""

VOCABULARY = 17
"""The number of the migration that renames tables and columns, and does nothing else."""

ONE_LEASE = 18
"""The number of the migration that takes the reservations' leases away."""

ROWS = {
    "turns": "INSERT INTO turns (channel_id, author_id, author_name, private, question, answer, finish_reason, model,"
    " prompt_tokens, answer_tokens, tokens_estimated, created_at_ms)"
    " VALUES (1, 2, 'Ann', 0, 'why?', 'because', 'complete', 'gpt-4.1', 3, 4, 0, 5)",
    "turn_messages": "INSERT INTO turn_messages VALUES (1, 0, 77)",
    "settings": "INSERT INTO settings VALUES ('channel', 1, 'model', 'gpt-4.1', 9, 2, 5)",
    "left_guilds": "INSERT INTO left_guilds VALUES (7, 5)",
    "usage_counters": "INSERT INTO usage_counters VALUES (1, 'server', 2, 'images', 'day', 0, 86400000, 3, 1)",
    "reservations": "INSERT INTO reservations VALUES (8, 'process', 5, NULL)",
    "audit_log": "INSERT INTO audit_log (id, guild_id, channel_id, setting, old, new, changed_by, changed_at_ms)"
    " VALUES (3, 9, 1, 'persona', NULL, 'Be kind.', 2, 5)",
    "reservation_items": "INSERT INTO reservation_items (reservation_id, position, counter_id, amount)"
    " VALUES (8, 0, 1, 1)",
    "quota_limits": "INSERT INTO quota_limits VALUES (9, 'member', 77, 'images', 'day', 3, 2)",
    "processed_events": "INSERT INTO processed_events VALUES (90, 5)",
    "processes": "INSERT INTO processes (name, lease_until_ms) VALUES ('process', 60005)",
    "voice_settings": "INSERT INTO voice_settings VALUES (2, 'nova', 125, 5)",
    "pronunciations": "INSERT INTO pronunciations VALUES (9, 'gif', 'GIF', 'jiff')",
    "personas": "INSERT INTO personas VALUES (9, 'pirate', 'Pirate', 'You are a pirate.')",
    "image_generations": "INSERT INTO image_generations VALUES (1, 2, NULL, 9, 2, 'a cat', NULL, 1, NULL, 0, 77, 5)",
    "erased_members": "INSERT INTO erased_members VALUES (91, 5)",
    "inflight_answers": """
        INSERT INTO inflight_answers
            (id, process, application_id, token, channel_id, message_ids, phase, final_message_count, started_at_ms)
        VALUES (90, 'process', 1, 'token', 2, '70 71', 'words', NULL, 5)
    """,
}
"""A row for every table, in an order that foreign keys allow."""

OLD_ROWS = {
    "turns": "INSERT INTO turns (channel_id, author_id, author_name, private, question, answer, finish, model,"
    " prompt_tokens, answer_tokens, tokens_estimated, created_at_ms)"
    " VALUES (1, 2, 'Ann', 0, 'why?', 'because', 'complete', 'gpt-4.1', 3, 4, 0, 5)",
    "turn_messages": "INSERT INTO turn_messages VALUES (1, 0, 77)",
    "settings": "INSERT INTO settings VALUES ('channel', 1, 'model', 'gpt-4.1', 9, 2, 5)",
    "departures": "INSERT INTO departures VALUES (7, 5)",
    "usage_windows": "INSERT INTO usage_windows VALUES (1, 'server', 2, 'images', 'day', 0, 86400000, 3, 1)",
    "reservations": "INSERT INTO reservations VALUES (8, 'process', 5, 60005, NULL)",
    "changes": "INSERT INTO changes (id, guild_id, channel_id, setting, old, new, changed_by, changed_at_ms)"
    " VALUES (3, 9, 1, 'persona', NULL, 'Be kind.', 2, 5)",
    "holds": "INSERT INTO holds (reservation_id, position, window_id, amount) VALUES (8, 0, 1, 1)",
    "quota_rules": "INSERT INTO quota_rules VALUES (9, 'member', 77, 'images', 'day', 3, 2)",
    "claims": "INSERT INTO claims VALUES (90, 5)",
    "processes": "INSERT INTO processes VALUES ('process', 60005)",
    "voice_preferences": "INSERT INTO voice_preferences VALUES (2, 'nova', 125, 5)",
    "pronunciations": "INSERT INTO pronunciations VALUES (9, 'gif', 'GIF', 'jiff')",
    "presets": "INSERT INTO presets VALUES (9, 'pirate', 'Pirate', 'You are a pirate.')",
    "sketches": "INSERT INTO sketches VALUES (1, 2, NULL, 9, 2, 'a cat', NULL, 1, NULL, 0, 77, 5)",
    "forgotten": "INSERT INTO forgotten VALUES (91, 5)",
    "running_answers": """
        INSERT INTO running_answers
            (id, process, application_id, token, channel_id, message_ids, shows, messages, started_at_ms)
        VALUES (90, 'process', 1, 'token', 2, '70 71', 'words', NULL, 5)
    """,
}
"""The same, up to the version before `VOCABULARY`."""

DROPPED_COLUMNS = {"reservations": "lease_until_ms"}
"""What `ONE_LEASE` drops, by its table."""

RENAMED_TABLES = {
    "sketches": "image_generations",
    "presets": "personas",
    "voice_preferences": "voice_settings",
    "changes": "audit_log",
    "claims": "processed_events",
    "departures": "left_guilds",
    "forgotten": "erased_members",
    "usage_windows": "usage_counters",
    "holds": "reservation_items",
    "quota_rules": "quota_limits",
    "running_answers": "inflight_answers",
}

RENAMED_COLUMNS = {
    "turns": {
        "thread_of": "parent_channel_id",
        "closed": "ends_context",
        "branch": "is_branch",
        "instead_of": "replaces_id",
        "about": "about_message_id",
        "finish": "finish_reason",
    },
    "sketches": {"thread_of": "parent_channel_id"},
    "presets": {"folded": "name_key"},
    "pronunciations": {"folded": "word_key", "say": "spoken_as"},
    "claims": {"at_ms": "claimed_at_ms"},
    "departures": {"noted_at_ms": "noticed_at_ms"},
    "forgotten": {"code": "member_hash", "at_ms": "erased_at_ms"},
    "usage_windows": {"per": "period"},
    "holds": {"window_id": "counter_id", "due": "due_amount"},
    "quota_rules": {"per": "period", "amount": "max_amount"},
    "running_answers": {"shows": "phase", "stopping": "cancel_requested", "messages": "final_message_count"},
}
"""What `VOCABULARY` renames, by the table's old name."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        yield opened


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return {name for (name,) in rows}


def named_rows(connection: sqlite3.Connection, table: str) -> list[dict[str, object]]:
    found = connection.execute(f"SELECT * FROM {table}")
    return [dict(zip([column[0] for column in found.description], row, strict=True)) for row in found]


def fill(connection: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    """Add a row to each table that there is; return all rows by table."""
    rows = OLD_ROWS if version_of(connection) < VOCABULARY else ROWS
    if version_of(connection) < ONE_LEASE:
        rows = {**rows, "reservations": OLD_ROWS["reservations"]}
    filled = {table: statement for table, statement in rows.items() if table in tables(connection)}
    for statement in filled.values():
        connection.execute(statement)
    return {table: named_rows(connection, table) for table in filled}


def in_new_names(rows: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    return {
        RENAMED_TABLES.get(table, table): [
            {RENAMED_COLUMNS.get(table, {}).get(column, column): value for column, value in row.items()} for row in each
        ]
        for table, each in rows.items()
    }


@pytest.mark.parametrize("version", range(1, len(migrations()) + 1))
def test_an_old_database_keeps_its_rows(connection: sqlite3.Connection, version: int) -> None:
    upgrade(connection, migrations()[:version])
    before = fill(connection)
    if version < VOCABULARY:
        before = in_new_names(before)
    upgrade(connection, migrations())
    assert version_of(connection) == len(migrations())
    for table, rows in before.items():
        for was in rows:
            was.pop(DROPPED_COLUMNS.get(table, ""), None)
        assert all(was.items() <= now.items() for was, now in zip(rows, named_rows(connection, table), strict=True))


def test_the_vocabulary_changes_names_alone(connection: sqlite3.Connection) -> None:
    def indexed_columns() -> list[tuple[str, bool, bool, tuple[str, ...]]]:
        """Return for each index its table, whether it is unique, whether it is partial, and its columns."""
        return sorted(
            (
                table,
                bool(unique),
                bool(partial),
                tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})")),
            )
            for table in tables(connection)
            for _, name, unique, _, partial in connection.execute(f"PRAGMA index_list({table})").fetchall()
        )

    def sequences() -> dict[str, int]:
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())

    upgrade(connection, migrations()[: VOCABULARY - 1])
    before, ids, indexes = fill(connection), sequences(), indexed_columns()
    assert set(before) == tables(connection)
    upgrade(connection, migrations()[:VOCABULARY])
    assert {table: named_rows(connection, table) for table in tables(connection)} == in_new_names(before)
    # No id is given twice, also after the upgrade.
    assert sequences() == {RENAMED_TABLES.get(table, table): last for table, last in ids.items()}
    assert indexed_columns() == sorted(
        (
            RENAMED_TABLES.get(table, table),
            unique,
            partial,
            tuple(RENAMED_COLUMNS.get(table, {}).get(column, column) for column in columns),
        )
        for table, unique, partial, columns in indexes
    )
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_no_table_column_or_index_bears_an_old_name(connection: sqlite3.Connection) -> None:
    upgrade(connection, migrations())
    assert not tables(connection) & set(RENAMED_TABLES)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall():
        assert not any(name.startswith((f"{old}_", f"sqlite_autoindex_{old}_")) for old in RENAMED_TABLES), name
    for old, columns in RENAMED_COLUMNS.items():
        table = RENAMED_TABLES.get(old, old)
        assert not {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} & set(columns)


def test_counts_under_members_plain_ids_go_and_servers_stay(connection: sqlite3.Connection) -> None:
    """Migration 6: the hash that takes the ids' place cannot be made in SQL."""
    upgrade(connection, migrations()[: QUOTAS - 1])
    window = "INSERT INTO usage_windows VALUES (?, ?, ?, 'images', 'day', 0, 86400000, 3, 1)"
    connection.executemany(window, [(1, "member", 2), (2, "server", -2), (3, "server", 9)])
    connection.execute(OLD_ROWS["reservations"])
    connection.executemany(
        "INSERT INTO holds (reservation_id, position, window_id, amount) VALUES (8, ?, ?, 1)", [(0, 1), (1, 2), (2, 3)]
    )
    upgrade(connection, migrations())
    assert connection.execute("SELECT id FROM usage_counters").fetchall() == [(3,)]
    assert connection.execute("SELECT counter_id FROM reservation_items").fetchall() == [(3,)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_every_table_has_a_row_in_the_upgrade_test(connection: sqlite3.Connection) -> None:
    upgrade(connection, migrations())
    assert tables(connection) == set(ROWS)


def test_migrations_are_numbered_without_gaps_and_say_what_and_why() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))
    for migration in migrations():
        first, second = migration.sql.splitlines()[:2]
        assert first.startswith("-- What: ")
        assert second.startswith("-- Why: ")


def test_every_table_checks_the_types_of_its_columns(connection: sqlite3.Connection) -> None:
    upgrade(connection, migrations())
    listed = {row[1]: row[5] for row in connection.execute("PRAGMA table_list") if not row[1].startswith("sqlite_")}
    assert listed == dict.fromkeys(tables(connection), 1)


def test_a_step_that_fails_half_way_leaves_the_version_before_it(connection: sqlite3.Connection) -> None:
    last = len(migrations())
    broken = Migration(last + 1, "CREATE TABLE half (a INTEGER);\nINSERT INTO no_such_table VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError):
        upgrade(connection, [*migrations(), broken])
    assert version_of(connection) == last
    assert "half" not in tables(connection)
    assert not connection.in_transaction


def test_a_newer_database_is_not_touched(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerThanCode):
        upgrade(connection, migrations())
    assert version_of(connection) == 99
    assert tables(connection) == set()
