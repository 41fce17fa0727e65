"""What the bot may do where a message stands, as far as answering it goes."""

from dataclasses import dataclass

import discord

Place = discord.abc.GuildChannel | discord.Thread | discord.DMChannel


@dataclass(frozen=True, slots=True)
class Footing:
    """What it may do in one channel or thread at this moment."""

    write: bool = True
    reply: bool = True
    attach: bool = True
    react: bool = True


def footing_in(place: Place) -> Footing:
    """Tell what the bot may do in `place`; in a direct message it may do everything."""
    if isinstance(place, discord.DMChannel):
        return Footing()
    held = place.permissions_for(place.guild.me)
    writes = held.send_messages_in_threads if isinstance(place, discord.Thread) else held.send_messages
    return Footing(
        write=held.view_channel and writes,
        reply=held.read_message_history,
        attach=held.attach_files,
        react=held.view_channel and held.read_message_history and held.add_reactions,
    )
