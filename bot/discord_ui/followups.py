"""The further messages of an interaction: each is there once, as far as anybody can tell."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.discord_ui.sent_messages import messages_after, of_interaction

log = logging.getLogger(__name__)


class FollowUps:
    """Sends, edits and deletes the follow-ups of one interaction.

    A request that failed may have been carried out all the same. discord.py would send it again at once, and Discord
    takes no nonce here by which it would know it: so what may be there already is looked for before. Where nobody can
    tell it is sent again: one message too many beats one that is lost.
    """

    def __init__(self, interaction: discord.Interaction, *, private: bool) -> None:
        self._interaction = interaction
        self._hook = (interaction.application_id, interaction.token)
        self._private = private
        self._unsure = False

    async def found(self, after: int) -> int | None:
        """Give the id of a message that was sent without anybody telling; `after` is the answer's last one known.

        What it shows may be behind by now.
        """
        if not self._unsure or (sent := await self._looked_for(after)) is None:
            return None
        self._unsure = False
        return sent

    async def send(self, text: str, files: Sequence[discord.File], view: discord.ui.View | None) -> int:
        """Send the next message and return its id."""
        flags = discord.MessageFlags(suppress_embeds=True, ephemeral=self._private)
        buttons: dict[str, Any] = {} if view is None else {"view": view}  # Any: discord.py's options
        self._unsure = True
        try:
            with handle_message_parameters(
                text,
                files=list(files),
                flags=flags,
                previous_allowed_mentions=discord.AllowedMentions.none(),
                **buttons,
            ) as params:
                sent = await async_context.get().execute_webhook(
                    *self._hook,
                    session=_Once(self._interaction._session),  # type: ignore[arg-type]  # all that is asked of it
                    payload=params.payload,
                    multipart=params.multipart,
                    files=params.files,
                    wait=True,
                    with_components=True,
                    **self._by_way_of,
                )
        except discord.HTTPException:
            self._unsure = False  # Discord has said no
            raise
        assert sent is not None, "it was waited for"
        self._unsure = False
        return int(sent["id"])

    async def edit(
        self, message_id: int, text: str, files: Sequence[discord.File], view: discord.ui.View | None
    ) -> None:
        """Make `text`, `view` and, where there are any, `files` what a message shows."""
        attachments: dict[str, Any] = {"attachments": list(files)} if files else {}  # Any: discord.py's options
        with handle_message_parameters(
            content=text,
            view=view,
            previous_allowed_mentions=discord.AllowedMentions.none(),
            **attachments,
        ) as params:
            await async_context.get().edit_webhook_message(
                *self._hook,
                message_id,
                session=self._interaction._session,
                payload=params.payload,
                multipart=params.multipart,
                files=params.files,
                with_components=True,
                **self._by_way_of,
            )

    async def delete(self, message_id: int) -> None:
        """Take a message back."""
        await async_context.get().delete_webhook_message(
            *self._hook, message_id, session=self._interaction._session, **self._by_way_of
        )

    @property
    def _by_way_of(self) -> dict[str, Any]:  # Any: discord.py's options
        http = self._interaction.client.http
        return {"proxy": http.proxy, "proxy_auth": http.proxy_auth}

    async def _looked_for(self, after: int) -> int | None:
        """Look for a message that may have been sent; private ones cannot be found."""
        if self._private or self._interaction.channel_id is None:
            return None
        try:
            http, channel_id = self._interaction.client.http, self._interaction.channel_id
            sent = of_interaction(await messages_after(http, channel_id, after), self._interaction.id)
        except Exception as failure:
            # No permission to read there, or trouble again, for which discord.py has no common name.
            log.info("a message not looked up", extra={"error": type(failure).__name__})
            return None
        return int(sent[0]["id"]) if sent else None


class Unsure(Exception):
    """Nobody knows whether a request was carried out."""


class _Once:
    """A session whose requests discord.py doesn't repeat where they may have been carried out."""

    def __init__(self, session: Any) -> None:  # Any: aiohttp's session, which is the network's business
        self._session = session

    @asynccontextmanager
    async def request(self, *args: Any, **options: Any) -> AsyncIterator[Any]:  # Any: as above
        try:
            async with self._session.request(*args, **options) as response:
                if response.status >= 500:
                    raise Unsure(f"status {response.status}")
                yield response
        except OSError as error:
            raise Unsure(type(error).__name__) from error
