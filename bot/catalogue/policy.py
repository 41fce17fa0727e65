"""Which models may be chosen: the operator's rule, without any network in it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.catalogue.kinds import Kinds, ModelKind, matches
from bot.errors import ModelNotAllowed
from bot.settings import MODEL

_WHAT = {
    ModelKind.CHAT: "answer questions",
    ModelKind.SPEECH: "speak",
    ModelKind.IMAGE: "draw",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's say on models.

    `allowed`: names and patterns; empty: all that the API lists. `defaults` may always be used for their own kind,
    whatever their name looks like.
    """

    kinds: Kinds
    allowed: Sequence[str]
    defaults: Mapping[ModelKind, str]

    def permits(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> bool:
        """Whether `model` may be chosen for `kind`; `listed` is what the API offers, None while that is unknown.

        Until then only the defaults and what the operator allows by name may be.
        """
        if model == self.defaults[kind]:
            return True
        if not re.fullmatch(MODEL, model) or self.kinds.of(model) is not kind:
            return False
        if self.allowed:
            return matches(model, self.allowed)
        return listed is not None and model in listed

    def check(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> None:
        """Do nothing if `model` may be chosen for `kind`.

        Raises:
            ModelNotAllowed: it may not; the sentence says why.
        """
        if self.permits(model, kind, listed):
            return
        known = listed is None or model in listed
        if known and self.kinds.of(model) is not kind:
            raise ModelNotAllowed(
                f"not a {kind} model", sentence=f"That model can't {_WHAT[kind]}. `/models` shows what each one is for."
            )
        if listed is None and not self.allowed:
            raise ModelNotAllowed(
                "no list of models yet",
                sentence="I don't know yet which models there are, so only the usual one works. "
                "Please try again in a minute.",
            )
        raise ModelNotAllowed(
            "model not allowed", sentence="That model can't be chosen here. `/models` lists the ones that can."
        )
