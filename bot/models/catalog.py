"""The API's list of models, cached in memory and refreshed in the background: autocomplete never waits for it."""

import logging
from collections.abc import Awaitable, Callable

from bot.clock import Clock
from bot.errors import ApiError
from bot.models.allowlist import ModelAllowlist, ModelKind

logger = logging.getLogger(__name__)

REFRESH_S = 600.0
RETRY_S = 30.0


class ModelCatalog:
    """Lists models and checks which may be chosen, from memory."""

    def __init__(
        self, list_models: Callable[[], Awaitable[list[str]]], allowlist: ModelAllowlist, clock: Clock
    ) -> None:
        self._list_models = list_models
        self._allowlist = allowlist
        self._clock = clock
        self._listed: frozenset[str] | None = None

    async def run_refresh_loop(self) -> None:
        """Fetch the list now and every ten minutes, until cancelled; after a failure the old list stays."""
        while True:
            try:
                succeeded = await self.refresh()
            except Exception:
                # Any other error must not end the loop: the list would never be refreshed again.
                logger.exception("models not listed")
                succeeded = False
            await self._clock.sleep(REFRESH_S if succeeded else RETRY_S)

    async def refresh(self) -> bool:
        """Fetch the list once; return whether that succeeded."""
        try:
            listed = await self._list_models()
        except ApiError as error:
            logger.warning("models not listed", extra={"error": type(error).__name__, "detail": str(error)})
            return False
        if self._listed is None or set(listed) != self._listed:
            logger.info("models listed", extra={"models": len(listed)})
        self._listed = frozenset(listed)
        return True

    def default(self, kind: ModelKind) -> str:
        """Return the operator's model for `kind`."""
        return self._allowlist.defaults[kind]

    def check(self, model: str, kind: ModelKind) -> None:
        """Check that `model` may be chosen for `kind`.

        Raises:
            ModelNotAllowed: it may not; its message says why.
        """
        self._allowlist.check(model, kind, self._listed)

    def allows(self, model: str, kind: ModelKind) -> bool:
        """Return whether `model` may be chosen for `kind`."""
        return self._allowlist.allows(model, kind, self._listed)

    def still_allows(self, model: str, kind: ModelKind) -> bool:
        """Return whether `model`, which was allowed once, may still be used: yes while the API's list is unknown."""
        return self._allowlist.allows(model, kind, (model,) if self._listed is None else self._listed)

    def list_choices(self, kind: ModelKind, search: str = "") -> list[str]:
        """Return the models that may be chosen for `kind` and have `search` in their name.

        Those that begin with it come first, then by name.
        """
        wanted = search.strip().lower()
        offered = {self.default(kind)} | (self._listed or frozenset(_list_exact_names(self._allowlist)))
        found = [name for name in offered if wanted in name.lower() and self.allows(name, kind)]
        return sorted(found, key=lambda name: (not name.lower().startswith(wanted), name.lower()))


def _list_exact_names(allowlist: ModelAllowlist) -> list[str]:
    """Return the allowed entries that are names, not patterns: they can be offered before the API has answered."""
    return [entry for entry in allowlist.allowed if not set("*?[") & set(entry)]
