"""Which models there are, what each is for, and which of them may be chosen."""

from bot.catalogue.catalogue import Catalogue
from bot.catalogue.kinds import Kinds, ModelKind
from bot.catalogue.policy import Policy

__all__ = ["Catalogue", "Kinds", "ModelKind", "Policy"]
