"""The database: is there one that can be used, or could one be made?"""

import asyncio

from bot.errors import StartupError
from bot.program.checks.line import Line, fail, ok
from bot.settings import Settings
from bot.store.inspection import inspect

NAME = "database"


async def check_database(settings: Settings) -> list[Line]:
    """Look at the database without altering anything."""
    try:
        return [ok(NAME, await asyncio.to_thread(inspect, settings.database_url))]
    except StartupError as fault:
        return [fail(NAME, fault.sentence)]
