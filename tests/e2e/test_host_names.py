"""Hosts that only the system's resolver knows, as mDNS and LDAP have them: no name server is asked about those."""

from pathlib import Path

from sandbox.bot_process import CHECKOUT, BotProcess
from tests.support.e2e import OpenSandbox, ask

KNOWS_BOX_LOCAL = """
import socket

ask = socket.getaddrinfo


def getaddrinfo(host, *arguments, **named):
    return ask("127.0.0.1" if host in ("box.local", b"box.local") else host, *arguments, **named)


socket.getaddrinfo = getaddrinfo
"""


async def test_both_far_sides_are_found_by_a_name_of_the_systems(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(KNOWS_BOX_LOCAL)
    sandbox = await open_sandbox()
    await sandbox.bot_process.stop()
    sandbox.bot_process.settings["PYTHONPATH"] = f"{tmp_path}:{CHECKOUT}"
    for name in ("DISCORD_API_BASE_URL", "MULTIAPPAI_BASE_URL"):
        address = sandbox.bot_process.settings[name]
        sandbox.bot_process.settings[name] = address.replace("127.0.0.1", "box.local").replace("localhost", "box.local")
        assert "box.local" in sandbox.bot_process.settings[name]
    check = BotProcess(tmp_path, sandbox.bot_process.settings, arguments=("-m", "bot", "check"))
    await check.start()
    assert await check.wait() == 0, list(check.output)
    await sandbox.start()
    assert (await ask(sandbox.user("Ada"), "Hello?")).deferred
