"""`python -m bot`: runs the bot or one of its commands; `sandbox` tries it without an account."""

import sys

from bot.cli import process


def main() -> int:
    """Run the command that the command line names; return the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["sandbox"]:
        return _run_sandbox(arguments[1:])
    from bot.cli.command_line import run

    return run(arguments)


def _run_sandbox(arguments: list[str]) -> int:
    try:
        from sandbox.cli import main
    except ModuleNotFoundError as missing:
        from bot.messages.operator import sandbox_needs, sandbox_not_installed
        from bot.messages.render import render

        sentence = sandbox_not_installed() if missing.name == "sandbox" else sandbox_needs(str(missing.name))
        sys.stderr.write(render(sentence) + "\n")
        return 2
    return main(arguments)


if __name__ == "__main__":
    # Before any slow import. An interrupted command must not report success.
    process.exit_on_signal(0 if sys.argv[1:] in ([], ["sandbox"]) else process.INTERRUPTED)
    process.open_closed_streams()
    status = main()
    process.ignore_signals()
    sys.exit(status)
