"""The one place where an error becomes a sentence that people read."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import discord
from discord import app_commands

from bot.discord_ui.discord_output import repeat_once
from bot.discord_ui.interaction_output import is_awaiting_answer
from bot.errors import BotError, UserError
from bot.messages import errors as texts
from bot.messages.message import Message
from bot.messages.render import render

logger = logging.getLogger(__name__)

# An id, or the token of an interaction or a webhook; the names in Discord's addresses are letters, `@` and `-`.
_OWN: Final = re.compile(r"/(?=[^/]*[0-9_.]|[^/]{33})(?!(?:v[0-9]{1,2}|oauth2)(?:/|$))[^/]+")


# No 0/O or 1/I/L: members may read a reference out to the operator.
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_reference() -> str:
    """Return a new short reference under which the log can be searched."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


def format_http_error(error: discord.HTTPException) -> str:
    """Return the request, the status and Discord's own code, such as `PUT /applications/:id/commands: status 400`."""
    summary = f"status {error.status}" + (f", code {error.code}" if error.code else "")
    response = error.response
    url = getattr(response, "url", None)
    if url is None:
        return summary
    return f"{response.method} {_OWN.sub('/:id', url.path)}: {summary}"


async def show(
    interaction: discord.Interaction, error: Exception, send: Callable[[str], Awaitable[object]] | None = None
) -> bool:
    """Tell the person who asked what went wrong, in one sentence; the log gets the details under a reference.

    `send` sends the sentence. Without it, it is a private first response before the acknowledgement, and takes the
    place of "thinking…" afterwards. Return False where it could not be sent. Never raises: what catches errors of
    commands would show a second sentence.
    """
    reference = new_reference()
    sentence = _format_error(error, reference)
    _log_error(
        error,
        reference,
        command=interaction.command.qualified_name if interaction.command else None,
        user=interaction.user.id,
        guild=interaction.guild_id,
        channel=interaction.channel_id,
    )
    try:
        if send is not None:
            await send(sentence)
        elif interaction.response.is_done():
            await _replace_original(interaction, sentence)
        else:
            await interaction.response.send_message(sentence, ephemeral=True)
    except Exception as failure:
        # The token has expired, Discord is down, or one of the network's errors, which discord.py lets through and
        # which have nothing in common. The log is the only place left.
        _log_not_shown(failure, reference)
        return False
    return True


async def _replace_original(interaction: discord.Interaction, sentence: str) -> None:
    """Put `sentence` in place of "thinking…", of a status and its button."""
    await repeat_once(lambda: interaction.edit_original_response(content=sentence, attachments=[], view=None))


async def show_unless_answered(interaction: discord.Interaction, error: Exception) -> bool:
    """Do as `show` does where nothing but "thinking…" is there yet; an answer, or the beginning of one, is left alone.

    Asks Discord what is there: for an interrupted command nothing else knows. Return False where that is not known, or
    the sentence could not be sent.
    """
    if not interaction.response.is_done() and await show(interaction, error):
        return True
    reference = new_reference()
    try:
        # Not done and yet not shown: the acknowledgement was in flight when the command was interrupted.
        if is_awaiting_answer(interaction) or (await interaction.original_response()).flags.loading:
            await _replace_original(interaction, _format_error(error, reference))
    except Exception as failure:
        # As in `show`.
        _log_not_shown(failure, reference)
        return False
    return True


async def notify_privately(interaction: discord.Interaction, notice: Message) -> None:
    """Show `notice` below a result, to the requester only. Never raises: an error would take the result's place."""
    try:
        await interaction.followup.send(render(notice), ephemeral=True)
    except Exception as failure:
        # As in `show`.
        _log_not_shown(failure, new_reference())


def log_and_format(error: Exception, **where: object) -> str:
    """Log an error and `where` it happened; return the sentence for the requester."""
    reference = new_reference()
    _log_error(error, reference, **where)
    return _format_error(error, reference)


def _format_error(error: Exception, reference: str) -> str:
    if isinstance(error, BotError):
        return render(error.message)
    if isinstance(error, (app_commands.CommandSignatureMismatch, app_commands.CommandNotFound)):
        return render(texts.command_changed())
    return render(texts.unexpected_with_reference(reference))


def _log_error(error: Exception, reference: str, **where: object) -> None:
    facts = {"reference": reference, **where, "error": type(error).__name__}
    if isinstance(error, UserError):
        logger.info("refused", extra={**facts, "detail": str(error)})
    elif isinstance(error, BotError):
        logger.warning("failed", extra={**facts, "detail": str(error)})
    elif isinstance(error, discord.HTTPException):
        # Its text quotes Discord's answer, which may quote what was sent.
        logger.error("failed at Discord", extra={**facts, "status": error.status, "discord_code": error.code})
    else:
        logger.error("failed unexpectedly", extra=facts, exc_info=error)


def _log_not_shown(failure: Exception, reference: str) -> None:
    facts: dict[str, object] = {"reference": reference, "error": type(failure).__name__}
    if isinstance(failure, discord.HTTPException):
        facts |= {"status": failure.status, "discord_code": failure.code}
    logger.warning("notice not shown", extra=facts)
