"""What the bot needs of a server's permissions: everything that it uses, and nothing more.

Commands need none: their answers come by the interaction itself.
"""

from dataclasses import dataclass
from typing import Final

import discord


@dataclass(frozen=True, slots=True)
class Need:
    """A permission: its name in discord.py and in Discord's client, and what it is for."""

    flag: str
    name: str
    purpose: str


NEEDS: Final = (
    Need("view_channel", "View Channels", "hearing when I'm mentioned"),
    Need("read_message_history", "Read Message History", "replying, and marking an answer that a restart cut short"),
    Need("send_messages", "Send Messages", "answering mentions and replies"),
    Need("send_messages_in_threads", "Send Messages in Threads", "answering them in threads"),
    Need("attach_files", "Attach Files", "answering them at length"),
    Need("add_reactions", "Add Reactions", "showing where I may not write"),
    Need("connect", "Connect", "coming into voice channels"),
    Need("speak", "Speak", "being heard there"),
)


def all_needed() -> discord.Permissions:
    """Return every permission in `NEEDS`."""
    return discord.Permissions(**{need.flag: True for need in NEEDS})


def lacking(held: discord.Permissions) -> list[Need]:
    """Tell which needs `held` leaves open."""
    return [need for need in NEEDS if not getattr(held, need.flag)]
