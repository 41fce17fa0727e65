"""Using a message's menu and the form that it opens."""

from sandbox.client.interaction_result import Invocation
from sandbox.client.user import Person
from sandbox.discord.messages import Message
from tests.support.trip_box import whole

ASK, READ = "Ask about this", "Read aloud"
FORGOTTEN = "I've lost sight of that message"


async def opened(person: Person, message: Message) -> Invocation:
    """Choose to ask about a message, and wait for the form."""
    return await (await person.uses_menu(ASK, message)).until(lambda each: each.modal or each.messages)


async def asks_about(person: Person, message: Message, text: str, **choice: str) -> Invocation:
    """Ask about a message, and wait for the whole answer."""
    return await whole(await person.submits(await opened(person, message), text=text, **choice))
