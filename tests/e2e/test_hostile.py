"""One member sends everything at once that ever held the bot up, and nobody else notices.

`python -m benchmarks.hostile` measures the same in seconds and MiB.
"""

import pytest

from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, all_of, ask, run_command, wait_until_final
from tests.support.hostile import BRACKETS, LINES, ROWS, attack, script_answers


@pytest.mark.alone
async def test_what_one_member_sends_holds_up_nobody_else(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "2"})
    script_answers(sandbox.openai)
    eve, ben = sandbox.user("Ada"), sandbox.user("Ben")
    used = await attack(eve)
    # The sandbox refuses an acknowledgement that is late, and `run_command` and `ask` fail then.
    for _ in range(5):
        assert (await run_command(ben, "/help", channel="#random")).text
        assert (await ask(ben, "Hello", channel="#random")).text

    await all_of(wait_until_final(each) for each in used)
    refused, described, table, brackets, *spoken = used
    assert "`bomb.webp`" in refused.text
    assert described.text
    await table.until(lambda each: each.text.count("\nb") == ROWS, deadline_s=DEADLINE_S)
    await brackets.until(lambda each: each.messages[-1].attachments, deadline_s=DEADLINE_S)
    assert brackets.messages[-1].attachments[0].data == BRACKETS.encode()
    *with_words, without = spoken
    assert [len(each.messages[0].attachments) for each in with_words] == [1] * (len(LINES) - 1)
    assert without.text
    assert sandbox.bot_process.running

    await attack(eve)
    assert await sandbox.bot_process.stop() == 0
