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

from datetime import datetime

from bot.messages import errors as texts
from bot.messages.message import Message
from bot.messages.render import render


class BotError(Exception):
    """A fault with one plain sentence for the person who asked, in `message`.

    The exception's own text is for the log: sizes, statuses and ids, never what people wrote.
    """

    message = texts.unexpected()

    def __init__(self, detail: str = "", *, message: Message | None = None) -> None:
        super().__init__(detail or type(self).__name__)
        if message is not None:
            self.message = message


class UserError(BotError):
    """A request turned down before anything was spent on it."""


class MissingPermission(UserError):
    """The requester lacks a permission in the channel where they asked, or in the one that `where` names.

    The sentence also answers those whom a server's integration settings show a command that they may not use.
    """

    def __init__(self, permission: str, *, where: str | None = None) -> None:
        super().__init__(
            f"missing permission: {permission}",
            message=texts.missing_permission(permission)
            if where is None
            else texts.missing_permission_in(permission, where),
        )
        self.permission = permission


class NotOwner(UserError):
    """The requester wants something done with what another member asked for."""

    message = texts.not_owner()


class TurnNotFound(UserError):
    """What somebody comes back to is not kept any more."""

    message = texts.turn_not_found()


class NotInGuild(UserError):
    """Something that only a server has was asked for in a direct message."""

    message = texts.only_in_servers()


class QuotaExceeded(UserError):
    """A limit would be passed; it opens again at `resets_at`. `limit_key` distinguishes it from other limits."""

    def __init__(self, message: Message, *, resets_at: datetime, limit_key: str = "") -> None:
        super().__init__("quota spent", message=message)
        self.resets_at = resets_at
        self.limit_key = limit_key


class AccessDenied(UserError):
    """The operator doesn't have the bot serve this person, or in this place."""


class UserRateLimited(UserError):
    """A member made too many calls in a short time; the next one passes at `until`, a whole second."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__(
            "too many calls",
            message=texts.user_rate_limited(until),
        )
        self.until = until


class QueueFull(UserError):
    """More answers wait in line in a channel than make sense."""

    message = texts.queue_full()


class QueueTimeout(UserError):
    """An answer's turn did not come while Discord would still have shown it."""

    message = texts.queue_timeout()


class ShuttingDown(UserError):
    """The bot is about to stop, and starts nothing any more."""

    message = texts.shutting_down()


class ModelNotAllowed(UserError):
    """The named model may not be chosen here."""


class NoSpeakableText(UserError):
    """No word is left once everything unspeakable is taken out."""

    message = texts.no_speakable_text()


class InvalidOption(UserError):
    """An option's value cannot be used; the sentence says what would do."""


class VoiceLost(BotError):
    """The bot's voice in a server is gone for good; the sentence says why, for the channel where it was called."""


class UnreadableFile(UserError):
    """A file that came with a question cannot be used; the sentence names it and says what would do."""


class ApiError(BotError):
    """The model API did not do what was asked; `status` is its HTTP status, if one came."""

    def __init__(self, detail: str = "", *, message: Message | None = None, status: int | None = None) -> None:
        super().__init__(detail, message=message)
        self.status = status


class Unauthorised(ApiError):
    """The API key was refused (401)."""

    message = texts.api_key_refused()


class PaymentOrForbidden(ApiError):
    """The account may not do this or has no credit left (402, 403)."""

    message = texts.api_account_refused()


class UnknownModel(ApiError):
    """The API does not know the model, or not for this kind of request."""

    message = texts.api_unknown_model()


class ApiRateLimited(ApiError):
    """The API is asked too often (429); `retry_after` seconds if it told."""

    message = texts.api_rate_limited()

    def __init__(self, detail: str = "", *, retry_after: float | None = None, status: int | None = 429) -> None:
        message = None if retry_after is None else texts.api_rate_limited_for(retry_after)
        super().__init__(detail, message=message, status=status)
        self.retry_after = retry_after


class ContentRefused(ApiError):
    """The API declined because of what was asked for."""

    message = texts.api_content_refused()


class ContextTooLong(ApiError):
    """The request is longer than the model can read."""

    message = texts.api_context_too_long()


class BadRequest(ApiError):
    """The API turned the request down for a reason of its own (another 4xx)."""

    message = texts.api_bad_request()


class ImagesRejected(BadRequest):
    """The model that was asked takes no pictures."""

    message = texts.api_images_rejected()


class ApiServerError(ApiError):
    """The API had trouble of its own (5xx, or an error in mid-answer)."""

    message = texts.api_server_error()


class ApiUnreachable(ApiError):
    """No connection to the API could be made or kept."""

    message = texts.api_unreachable()


class ApiTimeout(ApiError):
    """The API took longer than we wait."""

    message = texts.api_timeout()


class InvalidApiResponse(ApiError):
    """The API answered with something that cannot be used."""

    message = texts.api_invalid_response()


class StoreUnavailable(BotError):
    """The database cannot be used just now: locked, most often."""

    message = texts.store_unavailable()


class StoreFull(StoreUnavailable):
    """The disk that the database lies on is full."""

    message = texts.store_full()


class StoreReadOnly(StoreUnavailable):
    """The database may be read and not written."""

    message = texts.store_read_only()


class StoreReplaced(StoreUnavailable):
    """A file of the database was removed or replaced while the bot had it open: what is written now would be lost."""

    message = texts.store_replaced()


class Unstorable(StoreUnavailable):
    """What no database takes: an integer of more than 64 bits, half a surrogate pair, a row that the schema forbids."""

    message = texts.unstorable()


class StartupError(BotError):
    """The program cannot start; `message` goes to standard error, `exit_status` to the shell."""

    def __init__(self, message: Message, *, exit_status: int = 1) -> None:
        super().__init__(render(message), message=message)
        self.exit_status = exit_status
