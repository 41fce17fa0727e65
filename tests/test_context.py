"""What a requester may do: in a server by their permissions there, in a direct message whatever there is to do."""

import pytest

from bot.context import Permission
from bot.errors import MissingPermission, NotInGuild
from tests.support.requests import GUILD, make_requester


def test_a_moderator_gets_the_guild_that_they_manage() -> None:
    moderator = make_requester(permissions=[Permission.MANAGE_SERVER])
    assert moderator.require_in_guild(Permission.MANAGE_SERVER) == GUILD


def test_a_member_without_the_permission_does_not() -> None:
    member = make_requester(permissions=[Permission.MANAGE_MESSAGES])
    assert member.require_guild() == GUILD
    with pytest.raises(MissingPermission):
        member.require_in_guild(Permission.MANAGE_SERVER)


def test_there_is_no_guild_to_manage_in_a_direct_message() -> None:
    alone = make_requester(guild_id=None, permissions=Permission)
    with pytest.raises(NotInGuild):
        alone.require_in_guild(Permission.MANAGE_SERVER)
