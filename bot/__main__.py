"""The commands of the program: `python -m bot` runs it, `python -m bot sandbox` lets one try it without an account."""

import sys

from bot.cli import early_signals
from bot.cli.output import open_closed_streams


def main() -> int:
    """Run the command that the command line names and return the exit status."""
    words = sys.argv[1:]
    if words[:1] == ["sandbox"]:
        return _run_sandbox(words[1:])
    from bot.cli.command_line import run

    return run(words)


def _run_sandbox(words: list[str]) -> int:
    try:
        from sandbox.cli import main
    except ModuleNotFoundError as missing:
        if missing.name == "sandbox":
            sys.stderr.write("The sandbox isn't installed here. Run it from a checkout of the bot's repository.\n")
        else:
            sys.stderr.write(f"The sandbox needs {missing.name}: pip install -r requirements-sandbox.txt\n")
        return 2
    return main(words)


if __name__ == "__main__":
    # Before all that takes time to import. A command that is broken off has not found that all is well.
    early_signals.exit_on_signal(0 if sys.argv[1:] in ([], ["sandbox"]) else early_signals.INTERRUPTED)
    open_closed_streams()
    status = main()
    early_signals.ignore_signals()
    sys.exit(status)
