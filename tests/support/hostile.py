"""What one member can send at the same time to cost everybody else as much as possible."""

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.server import OpenAiServer
from tests.support.e2e import question_contains
from tests.support.make_picture import picture

LINES = ("Use ``` to open a block and `x` for code", "Hello ``` and `x`", "``` `b`", "```python `print`", "```\\`")
"""Each hung the bot when it was read aloud."""

ROWS = 4_000
TABLE = "|a|\n|-|\n" + "|b|\n" * ROWS
BRACKETS = "[" * 60_000
SIDES = (7071, 2999)
"""Of square pictures: 50 million pixels, far too many, and as many as a good camera takes."""


def script_answers(api: OpenAiServer) -> None:
    """Let the model send a long table and many brackets, each in one chunk, to whoever asks for them."""
    api.script([TABLE], when=question_contains("table"), times=None)
    api.script([BRACKETS], when=question_contains("brackets"), times=None)


async def attack(person: ClientUser) -> list[InteractionResult]:
    """Send everything at once: the pictures, the table, the brackets, and the lines to be read aloud, in this order."""
    used = []
    for side in SIDES:
        bomb = person.uploads("bomb.webp", picture(side, side, kind="WEBP", mode="RGBA", lossless=True))
        used.append(await person.command("/ask", prompt="What is this?", attachment=bomb))
    used.append(await person.command("/ask", prompt="A table, please"))
    used.append(await person.command("/ask", prompt="Some brackets, please"))
    used += [await person.uses_menu("Read aloud", await person.says(line)) for line in LINES]
    return used
