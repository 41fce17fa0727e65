"""The saved inputs of generated images, for the buttons below them."""

import logging

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import StoreUnavailable, TurnNotFound
from bot.images.generation import PreparedGeneration
from bot.store.image_generations import ImageGeneration, ImageGenerations

logger = logging.getLogger(__name__)


class SavedGenerations:
    """Saves image generations, and checks who may use them again."""

    def __init__(self, generations: ImageGenerations, clock: Clock) -> None:
        self._generations = generations
        self._clock = clock

    async def save(self, prepared: PreparedGeneration, *, author_id: int, message_id: int | None) -> int | None:
        """Save a generation and return its id; None if it could not be saved, as the images are shown in any case.

        `author_id` is the member who wrote the prompt; `message_id` is the message with the images.
        """
        requester, request = prepared.requester, prepared.request
        generation = ImageGeneration(
            channel_id=requester.channel_id,
            parent_channel_id=requester.settings_channel_id
            if requester.settings_channel_id != requester.channel_id
            else None,
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
            return await self._generations.add(generation, asked_at_ms=prepared.asked_at_ms)
        except StoreUnavailable as error:
            logger.error("image generation not saved", extra={"detail": str(error)})
            return None

    async def get(self, requester: RequestContext, generation_id: int) -> ImageGeneration:
        """Return a generation that the requester may use again.

        Raises:
            TurnNotFound: it was deleted.
            NotOwner: the requester neither asked for it nor may manage messages here.
            StoreUnavailable: the database cannot be used.
        """
        generation = await self._generations.get(generation_id)
        if generation is None or generation.channel_id != requester.channel_id:
            raise TurnNotFound(f"image generation {generation_id}")
        requester.require_own(generation.author_id)
        return generation

    async def delete(self, generation_id: int) -> None:
        """Delete a generation.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        await self._generations.remove(generation_id)
        logger.info("image generation deleted by its button", extra={"generation": generation_id})
