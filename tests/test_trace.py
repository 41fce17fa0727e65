"""How `python -m scripts.trace` counts files and functions, and its table."""

from scripts.trace import ROOT, Trace, build_trace, format_table

ASK, STREAM, HEARTBEAT = (
    ("cogs/ask.py", "AskCog.ask"),
    ("bot/api/chat.py", "Chat.stream"),
    ("bot/client.py", "Bot.beat"),
)


def test_only_the_bots_own_functions_count_each_once() -> None:
    recorded = [
        *((str(ROOT / file), name) for file, name in (ASK, STREAM, ASK)),
        (str(ROOT / "bot/api/chat.py"), "Chat.stream.<locals>.<lambda>"),
        (str(ROOT / "sandbox/sandbox.py"), "Sandbox.start"),
        ("/usr/lib/python3/asyncio/tasks.py", "sleep"),
    ]
    assert build_trace(recorded) == Trace(frozenset({ASK, STREAM}))


def test_files_are_counted_once_however_many_functions_of_them_ran() -> None:
    trace = Trace(frozenset({ASK, STREAM, ("bot/api/chat.py", "Chat.complete")}))
    assert trace.files == ["bot/api/chat.py", "cogs/ask.py"]


def test_what_runs_without_a_request_is_no_part_of_it() -> None:
    run, idle = Trace(frozenset({ASK, HEARTBEAT})), Trace(frozenset({HEARTBEAT, STREAM}))
    assert run.without(idle).files == ["cogs/ask.py"]


def test_the_table_has_a_row_for_each_request() -> None:
    traces = {"/ask": Trace(frozenset({ASK, STREAM})), "mention": Trace(frozenset({STREAM}))}
    assert format_table(traces).splitlines() == [
        "| request | files | functions |",
        "| --- | --- | --- |",
        "| /ask | 2 | 2 |",
        "| mention | 1 | 1 |",
    ]
