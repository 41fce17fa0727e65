"""Everything that can go wrong on purpose.

BotError                      carries one plain sentence for the person who asked
├── UserError                   said before anything is spent
│   ├── MissingPermission
│   ├── NotOwner
│   ├── TurnNotFound
│   ├── NotInGuild
│   ├── QuotaExceeded
│   ├── AccessDenied
│   ├── UserRateLimited
│   ├── QueueFull
│   ├── QueueTimeout
│   ├── ShuttingDown
│   ├── ModelNotAllowed
│   ├── NoSpeakableText
│   ├── InvalidOption
│   └── UnreadableFile
├── VoiceLost                 the bot's voice in a server is gone for good
├── ApiError                  the model API did not do it
│   ├── Unauthorised          401
│   ├── PaymentOrForbidden    402, 403
│   ├── UnknownModel          404, or a 400 that says so
│   ├── ApiRateLimited           429
│   ├── ContentRefused        refused by a content policy
│   ├── ContextTooLong        more than the model reads at once
│   ├── BadRequest            any other 4xx: the request was not accepted
│   │   └── ImagesRejected   the model takes no pictures
│   ├── ApiServerError         5xx
│   ├── ApiUnreachable           no connection
│   ├── ApiTimeout               a time limit passed
│   └── InvalidApiResponse          an answer that cannot be used
├── StoreUnavailable          the database cannot be written or read just now
│   ├── StoreFull             its disk is full
│   ├── StoreReadOnly         it may not be written
│   └── Unstorable            no database takes such a value
└── StartupError              the program cannot start; ends it with `exit_status`
"""

import math
from datetime import datetime


class BotError(Exception):
    """A fault with one plain sentence for the person who asked, in `sentence`.

    The exception's own text is for the log: sizes, statuses and ids, never what people wrote.
    """

    sentence = "Something went wrong on my side. Please try again."

    def __init__(self, detail: str = "", *, sentence: str | None = None) -> None:
        super().__init__(detail or type(self).__name__)
        if sentence is not None:
            self.sentence = sentence


class UserError(BotError):
    """A request turned down before anything was spent on it."""


class MissingPermission(UserError):
    """The requester lacks a permission in the channel where they asked, or in the one that `where` names.

    The sentence also answers those whom a server's integration settings show a command that they may not use.
    """

    def __init__(self, permission: str, *, where: str = "here") -> None:
        super().__init__(
            f"missing permission: {permission}",
            sentence=f"You need the **{permission}** permission {where} to do that. "
            "Server Settings → Integrations only decides who sees a command, not who may use it.",
        )
        self.permission = permission


class NotOwner(UserError):
    """The requester wants something done with what another member asked for."""

    sentence = "Only whoever asked can do that, and those who may **Manage Messages** here."


class TurnNotFound(UserError):
    """What somebody comes back to is not kept any more."""

    sentence = "I don't remember that any more, so I can't."


class NotInGuild(UserError):
    """Something that only a server has was asked for in a direct message."""

    sentence = "That only works in a server."


class QuotaExceeded(UserError):
    """A limit would be passed; it opens again at `resets_at`. `rule` names the limit, for telling it from others."""

    def __init__(self, sentence: str, *, resets_at: datetime, rule: str = "") -> None:
        super().__init__("quota spent", sentence=sentence)
        self.resets_at = resets_at
        self.rule = rule


class AccessDenied(UserError):
    """The operator doesn't have the bot serve this person, or in this place."""


class UserRateLimited(UserError):
    """A member made too many calls in a short time; the next one passes at `until`, a whole second."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__(
            "too many calls",
            sentence=f"That was a lot at once. I'm there for you again <t:{int(until.timestamp())}:R>.",
        )
        self.until = until


class QueueFull(UserError):
    """More answers wait in line in a channel than make sense."""

    sentence = "Too many questions are waiting in this channel already. Please try again later."


class QueueTimeout(UserError):
    """An answer's turn did not come while Discord would still have shown it."""

    sentence = "It didn't come to your turn in ten minutes, so I gave up. Please try again later."


class ShuttingDown(UserError):
    """The bot is about to stop, and starts nothing any more."""

    sentence = "I'm just restarting. Please try again in a minute."


class ModelNotAllowed(UserError):
    """The named model may not be chosen here."""


class NoSpeakableText(UserError):
    """No word is left once everything unspeakable is taken out."""

    sentence = "There is nothing in that text that I could say aloud."


class InvalidOption(UserError):
    """An option's value cannot be used; the sentence says what would do."""


class VoiceLost(BotError):
    """The bot's voice in a server is gone for good; the sentence says why, for the channel where it was called."""


class UnreadableFile(UserError):
    """A file that came with a question cannot be used; the sentence names it and says what would do."""


class ApiError(BotError):
    """The model API did not do what was asked; `status` is its HTTP status, if one came."""

    def __init__(self, detail: str = "", *, sentence: str | None = None, status: int | None = None) -> None:
        super().__init__(detail, sentence=sentence)
        self.status = status


class Unauthorised(ApiError):
    """The API key was refused (401)."""

    sentence = "The AI service doesn't accept my key. Whoever runs me needs to look at it."


class PaymentOrForbidden(ApiError):
    """The account may not do this or has no credit left (402, 403)."""

    sentence = "The AI service won't do this for my account. Whoever runs me needs to look at it."


class UnknownModel(ApiError):
    """The API does not know the model, or not for this kind of request."""

    sentence = "The AI service doesn't know that model. `/models` lists the ones that work."


class ApiRateLimited(ApiError):
    """The API is asked too often (429); `retry_after` seconds if it told."""

    sentence = "The AI service is very busy right now. Please try again in a moment."

    def __init__(self, detail: str = "", *, retry_after: float | None = None, status: int | None = 429) -> None:
        sentence = None
        if retry_after is not None:
            sentence = f"The AI service is very busy right now. Please try again in {_duration(retry_after)}."
        super().__init__(detail, sentence=sentence, status=status)
        self.retry_after = retry_after


class ContentRefused(ApiError):
    """The API declined because of what was asked for."""

    sentence = "The AI service declined this because of its content rules. Try putting it differently."


class ContextTooLong(ApiError):
    """The request is longer than the model can read."""

    sentence = "That is more than this model can read at once. Try a shorter question, or start anew with `fresh`."


class BadRequest(ApiError):
    """The API turned the request down for a reason of its own (another 4xx)."""

    sentence = "The AI service couldn't work with this request. Try putting it differently, or pick another model."


class ImagesRejected(BadRequest):
    """The model that was asked takes no pictures."""

    sentence = "This model can't look at pictures. Ask without one, or pick another model."


class ApiServerError(ApiError):
    """The API had trouble of its own (5xx, or an error in mid-answer)."""

    sentence = "The AI service has trouble of its own right now. Please try again in a little while."


class ApiUnreachable(ApiError):
    """No connection to the API could be made or kept."""

    sentence = "I can't reach the AI service right now. Please try again in a little while."


class ApiTimeout(ApiError):
    """The API took longer than we wait."""

    sentence = "The AI service took too long to answer. Please try again."


class InvalidApiResponse(ApiError):
    """The API answered with something that cannot be used."""

    sentence = "The AI service sent back something I can't use. Please try again."


class StoreUnavailable(BotError):
    """The database cannot be used just now: locked, most often."""

    sentence = "I can't get at my memory right now, so I haven't started. Please try again in a moment."


class StoreFull(StoreUnavailable):
    """The disk that the database lies on is full."""

    sentence = "My disk is full, so I haven't started. Whoever runs me needs to make room on it."


class StoreReadOnly(StoreUnavailable):
    """The database may be read and not written."""

    sentence = "I may only read my memory right now, so I haven't started. Whoever runs me needs to look at it."


class StoreReplaced(StoreUnavailable):
    """A file of the database was removed or replaced while the bot had it open: what is written now would be lost."""

    sentence = "My memory was taken away under me, so I haven't started. Whoever runs me needs to start me again."


class Unstorable(StoreUnavailable):
    """What no database takes: an integer of more than 64 bits, half a surrogate pair, a row that the schema forbids."""

    sentence = "There is a number or a sign in that which I can't work with, so I haven't started."


class StartupError(BotError):
    """The program cannot start; `sentence` goes to standard error, `exit_status` to the shell."""

    def __init__(self, sentence: str, *, exit_status: int = 1) -> None:
        super().__init__(sentence, sentence=sentence)
        self.exit_status = exit_status


def _duration(seconds: float) -> str:
    """Render a waiting time the way a person says it."""
    units = ((1, "second", 90), (60, "minute", 90), (3600, "hour", 36), (86_400, "day", math.inf))
    counted = ((max(1, round(seconds / unit)), name, most) for unit, name, most in units)
    count, name = next((count, name) for count, name, most in counted if count < most)
    return f"a {name}" if count == 1 else f"{count} {name}s"
