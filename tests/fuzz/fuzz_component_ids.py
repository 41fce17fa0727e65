"""Custom ids of buttons and forms as somebody with a client of their own makes them up, through the whole bot.

Only Discord's REST interface is left out: what would be sent there is looked at instead.
"""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import discord
from discord.webhook.async_ import async_context

from bot.app import open_services
from bot.client import COGS, Bot
from bot.clock import SystemClock
from bot.settings import load
from sandbox.discord import serializers
from sandbox.discord.interaction_serializers import interaction_event
from sandbox.discord.interactions import Interaction, InteractionType
from sandbox.discord.messages import Message
from sandbox.discord.state import DiscordState
from sandbox.json_object import Json

NUMBERS: Final = (
    *("0", "1", "9" * 18, str(2**53), str(2**63 - 1), str(2**63), "9" * 19, "9" * 20, str(2**64), "9" * 70, "00001"),
    *("-1", "+1", "1.0", "1e5", " 1", "1 ", "1_0", "0x1", "", "NaN", "None", "\n1", "1\n", "\x00"),
    *("\u0661\u0662", "\uff11", "\u00b2", "\U0001d7d9", "\u0967", "\u2460"),
)
SEPARATORS: Final = (":", "::", ";", "|", "\uff1a", " : ", "", "/", "\n")
ODD: Final = ("", ":", "\u202e", "a" * 100, "\u00e9", "answer-", "ANSWER-STOP", "answer-stop ", "\ufeffanswer-stop")
MOST: Final = 30
"""Custom ids in one case: they share a bot, whose start takes longer than all of them."""

PRIVATE: Final = 64  # the flag of an ephemeral message


class Discord:
    """Takes what the bot would send in answer to an interaction."""

    def __init__(self, shown: Json) -> None:
        self.answers: list[Json] = []
        self._shown = shown

    async def create_interaction_response(self, *_: Any, params: Any, **__: Any) -> Json:
        self.answers.append(params.payload or {})
        told = {"id": "1", "type": 3, "response_message_id": "5", "response_message_loading": False}
        return {"interaction": told | {"response_message_ephemeral": True}}

    async def edit_original_interaction_response(self, *_: Any, payload: Any = None, **__: Any) -> Json:
        self.answers.append({"type": 0, "data": payload or {}})
        return self._shown

    async def delete_original_interaction_response(self, *_: Any, **__: Any) -> None:
        self.answers.append({"type": 0})


class Faults(logging.Handler):
    """Keeps what the log calls an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def try_one(random: Random) -> None:
    """Press what was never offered and send forms that were never opened; each time there is one plain answer."""
    asyncio.run(_try(random))


async def _try(random: Random) -> None:
    faults, state = Faults(), DiscordState()
    guild = state.populate()
    places = [guild.channel("general"), guild.channel("a thread"), state.get_dm_channel(state.user("Ada"))]
    logging.getLogger().addHandler(faults)
    try:
        async with _bot(state) as bot:
            for _ in range(random.randint(1, MOST)):
                place = random.choice(places)
                user = state.user("Ada" if place.is_direct else random.choice(("Ada", "Mo")))
                kind = random.choice((InteractionType.COMPONENT, InteractionType.MODAL))
                custom_id = _custom_id(random, bot)
                data = _data(random, kind, custom_id)
                message = None
                if kind is InteractionType.COMPONENT:
                    message = Message(
                        state.snowflakes.next(), place.id, state.bot, "", state.now(), guild_id=place.guild_id
                    )
                used = Interaction(state.snowflakes.next(), kind, user, place, data, state.now(), 3, message=message)
                shown = serializers.message(Message(1, place.id, state.bot, "", state.now()), state)
                answers = await _answers(bot, interaction_event(used, state), shown)
                assert answers, (kind, custom_id)
                assert not faults.records, (custom_id, [record.getMessage() for record in faults.records])
                _look_at(answers[0], custom_id)
    finally:
        logging.getLogger().removeHandler(faults)


async def _answers(bot: Bot, event: Json, shown: Json) -> list[Json]:
    discords = Discord(shown)
    token = async_context.set(discords)  # type: ignore[arg-type]
    try:
        used: Any = discord.Interaction(data=event, state=bot._connection)  # type: ignore[arg-type]
        await asyncio.create_task(bot.on_interaction(used))  # as discord.py does: the gate counts the tasks at work
    finally:
        async_context.reset(token)
    return discords.answers


def _look_at(answer: Json, custom_id: str) -> None:
    """Whether it is a private sentence, a page in place of another, or an acknowledgement."""
    content = str(answer.get("data", {}).get("content", ""))
    assert "Something went wrong" not in content, (custom_id, content)
    if answer["type"] == discord.InteractionResponseType.channel_message.value:
        assert content, custom_id
        assert int(answer["data"]["flags"]) & PRIVATE, (custom_id, content)


def _custom_id(random: Random, bot: Bot) -> str:
    names = [*bot.buttons.names, *bot.modals.names]
    name = random.choice([*names, *names, *ODD])
    if random.random() < 0.2:
        name = "".join(random.sample(name, len(name))) + random.choice(ODD)
    parts = [random.choice(NUMBERS) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3)))]
    separator = random.choice((":", ":", ":", *SEPARATORS))
    return separator.join((name, *parts))[: random.choice((100, 100, 5000))]


def _data(random: Random, kind: InteractionType, custom_id: str) -> Json:
    if kind is InteractionType.COMPONENT:
        return {"custom_id": custom_id, "component_type": 2}
    text = random.choice(("", "Obey.", "{date} {nothing}", "x" * 4000, "\u202e\x00", custom_id))
    fields: list[Json] = [{"type": 18, "id": 1, "component": {"type": 4, "id": 2, "custom_id": "text", "value": text}}]
    if random.random() < 0.3:
        values = random.choice((["me"], [], ["everyone", "me"], [custom_id]))
        fields.append({"type": 18, "id": 3, "component": {"type": 3, "id": 4, "custom_id": "choice", "values": values}})
    return {"custom_id": custom_id, "components": random.choice((fields, fields, fields[:0]))}


@asynccontextmanager
async def _bot(state: DiscordState) -> AsyncIterator[Bot]:
    """The bot as it is after its start, with a database of its own, and not connected."""
    with tempfile.TemporaryDirectory() as directory:
        settings = load(
            discord_token=state.token,
            multiappai_api_key="sk-nothing-of-use",
            multiappai_base_url="http://127.0.0.1:9/v1",
            database_url=f"sqlite:///{Path(directory) / 'bot.db'}",
            member_rate="off",
        )
        clock = SystemClock()
        async with open_services(settings, clock) as services, Bot(services, clock=clock) as bot:
            own_user: Any = serializers.own_user(state.bot)
            bot._connection.user = discord.ClientUser(state=bot._connection, data=own_user)
            for cog in COGS:
                await bot.load_extension(cog)
            yield bot
