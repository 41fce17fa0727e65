"""Every expected error, each with a sentence for the user.

Errors that one module alone raises are defined in it; the tree shows them with their module.

BotError                        carries one plain sentence for the user who asked
├── UserError                   refused, as a rule before anything is spent
│   ├── MissingPermission       the requester lacks a permission
│   ├── NotOwner                another member asked for it
│   ├── TurnNotFound            the turn is not stored any more
│   ├── NotInGuild              it exists in servers only
│   ├── QuotaExceeded           a limit would be exceeded
│   ├── AccessDenied            the operator doesn't allow it
│   ├── UserRateLimited         too many calls in a short time
│   ├── QueueFull               too many requests wait in the channel
│   ├── QueueTimeout            the request waited too long
│   ├── ShuttingDown            the bot starts nothing any more
│   ├── ModelNotAllowed         the model may not be used
│   ├── NoSpeakableText         nothing is left to say
│   ├── InvalidOption           an option's value cannot be used
│   ├── UnreadableFile          an attachment cannot be used
│   ├── UnknownButton           discord_ui.button_router
│   ├── UnknownModal            discord_ui.modals
│   ├── RequesterLeft           discord_ui.voice.audience
│   ├── MissingVoicePermission  discord_ui.voice.join_checks
│   ├── TooManyJoins            discord_ui.voice.join_checks
│   ├── NotListening            discord_ui.voice.listener_access
│   ├── InAnotherVoiceChannel   discord_ui.voice.listener_access
│   ├── NotInVoice              discord_ui.voice.listener_access
│   ├── TooLongToSpeak          speech.sentence_stream
│   ├── ListenersNotAllowed     speech.voice_queue
│   ├── VoiceQueueFull          speech.voice_queue
│   ├── NotYourUtterance        speech.voice_queue
│   ├── InputsUnavailable       cogs.answer_buttons
│   ├── AnswerEnded             cogs.answer_buttons
│   └── MessageContentDisabled  cogs.voice
├── ApiError                    the model API failed
│   ├── Unauthorised            401
│   ├── PaymentOrForbidden      402, 403
│   ├── UnknownModel            404, or a 400 that says so
│   ├── ApiRateLimited          429
│   ├── ContentRefused          refused by a content policy
│   ├── ContextTooLong          longer than the model's context
│   ├── BadRequest              any other 4xx
│   │   ├── ImagesRejected      the model takes no images
│   │   └── DeveloperRoleUnsupported    api.error_mapping
│   ├── ApiServerError          5xx
│   ├── ApiUnreachable          no connection
│   ├── ApiTimeout              a time limit passed
│   └── InvalidApiResponse      a response that cannot be used
├── StoreUnavailable            the database cannot be used just now
│   ├── StoreFull               its disk is full
│   ├── StoreReadOnly           it may not be written
│   ├── StoreReplaced           its file was removed or replaced
│   └── Unstorable              no database takes such a value
├── VoiceLost                   the bot's voice connection to a server is lost for good
├── RequestCancelled            request_runner
├── DownloadFailed              discord_ui.attachments
├── VoiceNotInstalled           discord_ui.voice.connection
├── JoinFailed                  discord_ui.voice.manager
├── LeaveFailed                 discord_ui.voice.manager
├── ImageTooLarge               images.compression
├── TooLongToSend               speech.mp3
├── JobFailed                   workers.pool
└── StartupError                the program cannot start; ends it with `exit_status`
"""

from datetime import datetime

from bot.messages import errors as texts
from bot.messages.message import Message
from bot.messages.render import render


class BotError(Exception):
    """An expected error with one plain sentence for the user who asked, in `message`.

    The exception's own text is for the log: sizes, statuses and ids, never what people wrote.
    """

    message = texts.unexpected()

    def __init__(self, detail: str = "", *, message: Message | None = None) -> None:
        super().__init__(detail or type(self).__name__)
        if message is not None:
            self.message = message


class UserError(BotError):
    """A request that is refused: before anything is spent on it, save for a limit that an answer reaches midway."""


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
    """Only the member who asked may do that, and members with Manage Messages."""

    message = texts.not_owner()


class TurnNotFound(UserError):
    """The turn to regenerate, continue, read or delete is not stored any more."""

    message = texts.turn_not_found()


class NotInGuild(UserError):
    """Something that exists in servers only was asked for in a direct message."""

    message = texts.only_in_servers()


class QuotaExceeded(UserError):
    """A limit would be exceeded; it resets at `resets_at`. `limit_key` identifies the limit.

    It also ends an answer that has begun, where there is no room for more tokens.
    """

    def __init__(self, message: Message, *, resets_at: datetime, limit_key: str = "") -> None:
        super().__init__("quota spent", message=message)
        self.resets_at = resets_at
        self.limit_key = limit_key


class AccessDenied(UserError):
    """The operator doesn't allow this user or server to use the bot."""


class UserRateLimited(UserError):
    """A member made too many calls in a short time; the next one passes at `until`, a whole second."""

    def __init__(self, *, until: datetime) -> None:
        super().__init__(
            "too many calls",
            message=texts.user_rate_limited(until),
        )
        self.until = until


class QueueFull(UserError):
    """Too many requests wait in the channel's queue."""

    message = texts.queue_full()


class QueueTimeout(UserError):
    """A request waited in the queue for as long as Discord would still show its answer."""

    message = texts.queue_timeout()


class ShuttingDown(UserError):
    """The bot is shutting down and starts nothing any more."""

    message = texts.shutting_down()


class ModelNotAllowed(UserError):
    """The named model may not be chosen here."""


class NoSpeakableText(UserError):
    """No word is left once everything that cannot be spoken is removed."""

    message = texts.no_speakable_text()


class InvalidOption(UserError):
    """An option's value cannot be used; the sentence says what would do."""


class VoiceLost(BotError):
    """The bot's voice connection to a server is lost for good; the sentence is for the channel where it was started."""


class UnreadableFile(UserError):
    """An attachment cannot be used; the sentence names it and says what can be used."""


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
    """Too many requests to the API (429); `retry_after` is in seconds, if the API sent it."""

    message = texts.api_rate_limited()

    def __init__(self, detail: str = "", *, retry_after: float | None = None, status: int | None = 429) -> None:
        message = None if retry_after is None else texts.api_rate_limited_for(retry_after)
        super().__init__(detail, message=message, status=status)
        self.retry_after = retry_after


class ContentRefused(ApiError):
    """The API refused the request because of its content policy."""

    message = texts.api_content_refused()


class ContextTooLong(ApiError):
    """The request is longer than the model can read."""

    message = texts.api_context_too_long()


class BadRequest(ApiError):
    """The API did not accept the request (another 4xx)."""

    message = texts.api_bad_request()


class ImagesRejected(BadRequest):
    """The model takes no images."""

    message = texts.api_images_rejected()


class ApiServerError(ApiError):
    """The API failed (5xx, or an error event in a stream)."""

    message = texts.api_server_error()


class ApiUnreachable(ApiError):
    """No connection to the API could be made or kept."""

    message = texts.api_unreachable()


class ApiTimeout(ApiError):
    """The API took longer than we wait."""

    message = texts.api_timeout()


class InvalidApiResponse(ApiError):
    """The API sent a response that cannot be used."""

    message = texts.api_invalid_response()


class StoreUnavailable(BotError):
    """The database cannot be used just now: locked, most often."""

    message = texts.store_unavailable()


class StoreFull(StoreUnavailable):
    """The database's disk is full."""

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
