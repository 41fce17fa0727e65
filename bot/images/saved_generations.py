"""What pictures were drawn from, for whoever has them drawn again."""

import logging

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import StoreUnavailable, TurnNotFound
from bot.images.generation import PreparedGeneration
from bot.store.image_generations import ImageGeneration, ImageGenerations

log = logging.getLogger(__name__)


class SavedGenerations:
    """Keeps sketches, and gives them to those who may come back to them."""

    def __init__(self, sketches: ImageGenerations, clock: Clock) -> None:
        self._sketches = sketches
        self._clock = clock

    async def save(self, drawing: PreparedGeneration, *, author_id: int, message_id: int | None) -> int | None:
        """Keep what was drawn and return its id; None where it is not kept: the pictures show in any case.

        `author_id` is the member whose words the prompt is; `message_id` is where the pictures show.
        """
        requester, request = drawing.requester, drawing.request
        sketch = ImageGeneration(
            channel_id=requester.channel_id,
            thread_of=requester.settings_channel_id if requester.settings_channel_id != requester.channel_id else None,
            guild_id=requester.guild_id,
            author_id=author_id,
            prompt=request.prompt,
            size=request.size,
            n=request.n,
            model=request.model if request.chosen else None,
            spoiler=request.spoiler,
            message_id=message_id,
            created_at_ms=unix_ms(self._clock.discord_now()),
        )
        try:
            return await self._sketches.add(sketch, asked_at_ms=drawing.asked_at_ms)
        except StoreUnavailable as error:
            log.error("sketch not kept", extra={"detail": str(error)})
            return None

    async def get(self, requester: RequestContext, sketch_id: int) -> ImageGeneration:
        """Give a sketch to do something with.

        Raises:
            TurnNotFound: it is not kept any more.
            NotOwner: the requester neither asked for it nor may manage messages here.
            StoreUnavailable: it cannot be looked up just now.
        """
        sketch = await self._sketches.get(sketch_id)
        if sketch is None or sketch.channel_id != requester.channel_id:
            raise TurnNotFound(f"sketch {sketch_id}")
        requester.require_own(sketch.author_id)
        return sketch

    async def delete(self, sketch_id: int) -> None:
        """Take a sketch away.

        Raises:
            StoreUnavailable: it could not be.
        """
        await self._sketches.remove(sketch_id)
        log.info("a sketch deleted by its button", extra={"sketch": sketch_id})
