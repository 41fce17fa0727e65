"""Using a message's menu and the form that it opens."""

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message
from tests.support.e2e import wait_until_final

ASK, READ = "Ask about this", "Read aloud"
FORGOTTEN = render(answers.message_not_remembered(ASK))


async def opened(person: ClientUser, message: Message) -> InteractionResult:
    """Choose to ask about a message, and wait for the form."""
    return await (await person.uses_menu(ASK, message)).until(lambda each: each.modal or each.messages)


async def asks_about(person: ClientUser, message: Message, text: str, **choice: str) -> InteractionResult:
    """Ask about a message, and wait for the whole answer."""
    return await wait_until_final(await person.submits(await opened(person, message), text=text, **choice))
