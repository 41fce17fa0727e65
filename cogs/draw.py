"""/draw: pictures from a description, and the buttons under them."""

import io
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.discord_ui.answer_runner import wait_in_queue
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import Button, build_row, parse_id
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_messages import acknowledge, edit_original
from bot.discord_ui.message_deletion import check_can_delete, delete_messages
from bot.discord_ui.modals import Modals
from bot.discord_ui.tree import build_choices, build_model_choices
from bot.errors import TurnNotFound
from bot.guilds.settings import GuildSettings
from bot.images.generation import ImageGenerator
from bot.images.request import MAX_IMAGES, MAX_PROMPT_LENGTH, ImageRequest, list_sizes
from bot.images.saved_generations import SavedGenerations
from bot.models.allowlist import ModelKind
from bot.models.catalog import ModelCatalog
from bot.store.image_generations import ImageGeneration

_AGAIN: Final = "picture-again"
_EDIT: Final = "picture-edit"
_DELETE: Final = "picture-delete"
_PROMPT: Final = "picture-prompt"


class DrawCog(commands.Cog):
    """Draws pictures."""

    def __init__(
        self,
        drawing: ImageGenerator,
        sketchbook: SavedGenerations,
        settings: GuildSettings,
        catalogue: ModelCatalog,
        limiter: ConcurrencyLimiter,
        buttons: ButtonRouter,
        forms: Modals,
    ) -> None:
        self._drawing = drawing
        self._sketchbook = sketchbook
        self._settings = settings
        self._catalogue = catalogue
        self._limiter = limiter
        self._forms = forms
        buttons.on(_AGAIN, self._again)
        buttons.on(_EDIT, self._edit)
        buttons.on(_DELETE, self._delete)
        forms.on(_PROMPT, self._edited)

    @app_commands.command()
    @app_commands.describe(
        prompt="What the picture should show",
        size="Its size, such as 1024x1024",
        n="How many pictures",
        model="Who should draw; this channel's model if left out",
        spoiler="Hide the pictures until somebody clicks on them",
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
        """Have pictures drawn from your description."""
        requester = requester_of(interaction)
        chosen = await self._settings.get_model(requester, ModelKind.IMAGE, model)
        request = ImageRequest(prompt, chosen, size, n, spoiler, chosen=model is not None)
        await self._draw(interaction, requester, request, requester.user_id)

    async def _again(self, interaction: discord.Interaction, sketch_id: int) -> None:
        requester = requester_of(interaction)
        sketch = await self._sketchbook.get(requester, sketch_id)
        await self._draw(
            interaction, requester, await self._request(requester, sketch, sketch.prompt), sketch.author_id
        )

    async def _edit(self, interaction: discord.Interaction, sketch_id: int) -> None:
        sketch = await self._sketchbook.get(requester_of(interaction), sketch_id)
        await self._forms.open(
            interaction,
            _PROMPT,
            title="Edit the prompt",
            label="What the picture should show",
            text=sketch.prompt,
            longest=MAX_PROMPT_LENGTH,
            about=str(sketch_id),
        )

    async def _edited(self, interaction: discord.Interaction, prompt: str, about: str) -> None:
        requester = requester_of(interaction)
        sketch_id = parse_id(about)
        if sketch_id is None:
            raise TurnNotFound("a form about nothing")
        sketch = await self._sketchbook.get(requester, sketch_id)
        await self._draw(interaction, requester, await self._request(requester, sketch, prompt), requester.user_id)

    async def _delete(self, interaction: discord.Interaction, sketch_id: int) -> None:
        requester = requester_of(interaction)
        try:
            sketch = await self._sketchbook.get(requester, sketch_id)
        except TurnNotFound:
            check_can_delete(requester, interaction, ())
        else:
            check_can_delete(requester, interaction, () if sketch.message_id is None else (sketch.message_id,))
            await self._sketchbook.delete(sketch_id)
        await delete_messages(interaction)

    async def _request(self, requester: RequestContext, sketch: ImageGeneration, prompt: str) -> ImageRequest:
        """Ask for what a sketch was for, with the model that draws here now where no other one was asked for."""
        model = await self._settings.get_model(requester, ModelKind.IMAGE, sketch.model)
        return ImageRequest(prompt, model, sketch.size, sketch.n, sketch.spoiler, chosen=sketch.model is not None)

    async def _draw(
        self, interaction: discord.Interaction, requester: RequestContext, request: ImageRequest, author_id: int
    ) -> None:
        """Draw, and show it in a new message with buttons; `author_id` is the member whose words the prompt is."""
        prepared = await self._drawing.prepare(requester, request)
        async with prepared.reservation, self._limiter.slot(requester) as slot:
            message_id = await acknowledge(interaction)
            await wait_in_queue(interaction, slot)
            drawn = await self._drawing.generate(prepared, interaction.filesize_limit)
            sketch_id = await self._sketchbook.save(prepared, author_id=author_id, message_id=message_id)
            files = [
                discord.File(io.BytesIO(file.data), file.filename, description=file.description, spoiler=file.spoiler)
                for file in drawn.files
            ]
            await edit_original(interaction, drawn.notice or "", files, _buttons(sketch_id))

    @draw.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_model_choices(self._catalogue, ModelKind.IMAGE, typed)

    @draw.autocomplete("size")
    async def _complete_size(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        asked = interaction.namespace.model
        model = asked or await self._settings.get_model(requester_of(interaction), ModelKind.IMAGE, None)
        return build_choices(list_sizes(model), typed)


def _buttons(sketch_id: int | None) -> discord.ui.View | None:
    """Return the buttons under images; None where they cannot be drawn again."""
    if sketch_id is None:
        return None
    labels = {_AGAIN: "Again", _EDIT: "Edit prompt", _DELETE: "Delete"}
    return build_row(*(Button(name, label, sketch_id) for name, label in labels.items()))


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        DrawCog(
            services.image_generator,
            services.saved_generations,
            services.settings,
            services.catalog,
            services.concurrency,
            bot.buttons,
            bot.modals,
        )
    )
