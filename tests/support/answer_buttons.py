"""Stopping an answer by its button."""

from typing import Any

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import question_contains, wait_until_final, wait_until_started

STOPPED = f"\n-# {render(answers.stopped())}"
NOT_YOURS = "Only the member who asked can do that, and members with **Manage Messages** here."


async def stop(person: ClientUser, used: InteractionResult) -> str:
    """Press Stop, and give what the answer shows in the end."""
    await (await person.clicks(used.messages[-1], "Stop")).until_acknowledged()
    return (await wait_until_final(used)).text


async def stalled(sandbox: Sandbox, person: ClientUser, about: str, **options: Any) -> InteractionResult:
    """Ask something whose answer begins and falls silent."""
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4), when=question_contains(about))
    return await wait_until_started(await person.command("/ask", prompt=about, **options))
