"""/draw: images from a description, and the buttons under them."""

import io
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import RequestContext
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row, parse_id
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_requests import InteractionRequests, InteractionResponder
from bot.discord_ui.modals import Modals
from bot.discord_ui.sent_messages import check_can_delete, delete_messages
from bot.discord_ui.tree import build_choices, build_model_choices
from bot.errors import TurnNotFound
from bot.guilds.settings import GuildSettings
from bot.images.generation import (
    MAX_IMAGES,
    MAX_PROMPT_LENGTH,
    GenerationResult,
    ImageGenerator,
    ImageRequest,
    list_sizes,
)
from bot.messages import images as texts
from bot.messages.render import render
from bot.model_catalog import ModelCatalog, ModelKind
from bot.store.image_generations import ImageGeneration

_AGAIN: Final = "picture-again"
_EDIT: Final = "picture-edit"
_DELETE: Final = "picture-delete"
_PROMPT: Final = "picture-prompt"

_LABELS: Final = {_AGAIN: texts.again_button(), _EDIT: texts.edit_prompt_button(), _DELETE: texts.delete_button()}


class DrawCog(commands.Cog):
    """Generates images."""

    def __init__(
        self,
        image_generator: ImageGenerator,
        settings: GuildSettings,
        catalog: ModelCatalog,
        requests: InteractionRequests,
        buttons: ButtonRouter,
        modals: Modals,
    ) -> None:
        self._image_generator = image_generator
        self._settings = settings
        self._catalog = catalog
        self._requests = requests
        self._modals = modals
        buttons.register(_AGAIN, self._again)
        buttons.register(_EDIT, self._edit)
        buttons.register(_DELETE, self._delete)
        modals.register(_PROMPT, self._draw_edited)

    @app_commands.command()
    @app_commands.describe(
        prompt="What the image should show",
        size="Size, such as 1024x1024",
        n="How many images",
        model="The image model to use (default: this channel's)",
        spoiler="Hide the images until they are clicked",
    )
    async def draw(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, MAX_PROMPT_LENGTH],
        size: app_commands.Range[str, 1, 32] | None = None,
        n: app_commands.Range[int, 1, MAX_IMAGES] = 1,
        model: app_commands.Range[str, 1, 100] | None = None,
        spoiler: bool = False,
    ) -> None:
        """Make images from your description."""
        requester = requester_of(interaction)
        chosen = await self._settings.get_model(requester, ModelKind.IMAGE, model)
        request = ImageRequest(prompt, chosen, size, n, spoiler, chosen=model is not None)
        await self._draw(interaction, requester, request, requester.user_id)

    async def _again(self, interaction: discord.Interaction, generation_id: int) -> None:
        requester = requester_of(interaction)
        generation = await self._image_generator.get(requester, generation_id)
        await self._draw(
            interaction, requester, await self._request(requester, generation, generation.prompt), generation.author_id
        )

    async def _edit(self, interaction: discord.Interaction, generation_id: int) -> None:
        generation = await self._image_generator.get(requester_of(interaction), generation_id)
        await self._modals.open(
            interaction,
            _PROMPT,
            title=render(texts.form_title()),
            label=render(texts.form_label()),
            text=generation.prompt,
            max_length=MAX_PROMPT_LENGTH,
            about=str(generation_id),
        )

    async def _draw_edited(self, interaction: discord.Interaction, prompt: str, about: str) -> None:
        requester = requester_of(interaction)
        generation_id = parse_id(about)
        if generation_id is None:
            raise TurnNotFound("a modal about nothing")
        generation = await self._image_generator.get(requester, generation_id)
        await self._draw(interaction, requester, await self._request(requester, generation, prompt), requester.user_id)

    async def _delete(self, interaction: discord.Interaction, generation_id: int) -> None:
        requester = requester_of(interaction)
        try:
            generation = await self._image_generator.get(requester, generation_id)
        except TurnNotFound:
            check_can_delete(requester, interaction, ())
        else:
            check_can_delete(requester, interaction, () if generation.message_id is None else (generation.message_id,))
            await self._image_generator.delete(generation_id)
        await delete_messages(interaction)

    async def _request(self, requester: RequestContext, generation: ImageGeneration, prompt: str) -> ImageRequest:
        """Return the request of a generation again; where no model was chosen, with the channel's present one."""
        model = await self._settings.get_model(requester, ModelKind.IMAGE, generation.model)
        return ImageRequest(
            prompt, model, generation.size, generation.n, generation.spoiler, chosen=generation.model is not None
        )

    async def _draw(
        self, interaction: discord.Interaction, requester: RequestContext, request: ImageRequest, author_id: int
    ) -> None:
        """Generate, and show it in a new message with buttons; `author_id` is the member who wrote the prompt."""
        responder = self._requests.open(interaction)
        use_case = self._image_generator.draw(requester, request, _ImageMessage(responder), author_id=author_id)
        await self._requests.run(use_case, responder)

    @draw.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_model_choices(self._catalog, ModelKind.IMAGE, typed)

    @draw.autocomplete("size")
    async def _complete_size(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        chosen_model = interaction.namespace.model
        model = chosen_model or await self._settings.get_model(requester_of(interaction), ModelKind.IMAGE, None)
        return build_choices(list_sizes(model), typed)


class _ImageMessage:
    """Shows generated images as the response."""

    def __init__(self, responder: InteractionResponder) -> None:
        self.upload_limit = responder.upload_limit
        self._responder = responder

    @property
    def message_id(self) -> int | None:
        return self._responder.message_id

    async def show(self, result: GenerationResult, generation_id: int | None) -> None:
        files = [
            discord.File(io.BytesIO(file.data), file.filename, description=file.description, spoiler=file.spoiler)
            for file in result.files
        ]
        text = "" if result.notice is None else render(result.notice)
        await self._responder.output.show_result(text, files, _buttons(generation_id))


def _buttons(generation_id: int | None) -> discord.ui.View | None:
    """Return the buttons under images; None where the generation is not stored."""
    if generation_id is None:
        return None
    return build_row(*(Button(name, render(label), generation_id) for name, label in _LABELS.items()))


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        DrawCog(
            services.image_generator,
            services.settings,
            services.catalog,
            bot.requests,
            bot.buttons,
            bot.modals,
        )
    )
