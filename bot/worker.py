"""A worker: reads bytes of others for the bot, a job at a time, and may be killed at any moment.

    python -m bot.worker        (started by bot.workers.pool; jobs on standard input, results on standard output)

It imports little, has no secret in its environment, and limits itself: the memory that it may take, and where the
system has an alarm, the time. It ends with its standard input, so that it never outlives the bot for long.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import BotError, InvalidOption
from bot.messages.render import render
from bot.workers import framing
from bot.workers.framing import Head

MOST_MEMORY: Final = 448 * 1024 * 1024
"""Bytes of address space beyond what the process has when it starts; a picture of 16 megapixels takes 300 MB."""

MOST_PIXELS_AT_ONCE: Final = 4_000_000
"""Of a picture that is decoded beside others."""

_NICENESS: Final = 5  # who waits for a word goes before who waits for a picture
_ALARM_AFTER_S: Final = 5  # beyond the time that the bot gives a job; it kills a worker that is late itself

Answer = tuple[Head, list[bytes]]


def main() -> None:
    """Do jobs until standard input ends."""
    requests, answers = _pipes()
    _limit_itself()
    while (request := _receive(requests)) is not None:
        head, parts = request
        if hasattr(signal, "alarm"):
            signal.alarm(int(head["timeout_s"]) + _ALARM_AFTER_S)  # ends the process, whatever it is stuck in
        facts, results = _done(head, parts)
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        answers.write(framing.encode_head(facts, results))
        for each in results:
            answers.write(each)
        answers.flush()


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return where jobs come from and results go to; whatever else is printed goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return sys.stdin.buffer, answers


def _limit_itself() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the bot ends it when it is time, also where a signal goes to all
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, this goes and not the bot
        threading.Thread(target=_end_with_the_bot, daemon=True).start()


def _end_with_the_bot() -> None:
    """End the process in the middle of a job when nobody can want its result any more."""
    import select

    hung_up = select.poll()
    hung_up.register(0, 0)
    hung_up.poll()
    os._exit(0)


def _receive(requests: BinaryIO) -> tuple[Head, list[bytes]] | None:
    prefix = requests.read(framing.PREFIX.size)
    if len(prefix) < framing.PREFIX.size:
        return None
    body = requests.read(size := framing.decode_head_length(prefix))
    if len(body) < size:
        return None
    head, sizes = framing.decode_head(body)
    parts = [requests.read(size) for size in sizes]
    return (head, parts) if [len(part) for part in parts] == sizes else None


def _done(head: Head, parts: list[bytes]) -> Answer:
    """Do a job; its failure is a result as well."""
    try:
        if not head["options"].get("may_be_large", True) and _is_large(parts[0]):
            return {"failure": "large"}, []
        facts, results = _JOBS[head["job"]](head["options"], parts)
        framing.encode_head({}, results)
    except MemoryError:
        return {"failure": "memory"}, []
    except BotError as error:
        kind = type(error).__name__
        return {"failure": "too big" if kind in _TOO_BIG else "broken", "detail": str(error)}, []
    except Exception as error:
        # Libraries raise whatever they stumble over in damaged bytes.
        return {"failure": "broken", "detail": type(error).__name__}, []
    return {"facts": facts}, results


_TOO_BIG: Final = ("ImageTooLarge", "TooLongToSend")


def _is_large(data: bytes) -> bool:
    """Whether decoding a picture may take much memory, as far as that shows before; what is none is not large."""
    from bot.api.image_validation import MAX_GENERATED_PIXELS, open_image

    try:
        with open_image(data, sys.maxsize) as (picture, _):
            # What is larger than any picture may be is refused, and needs no waiting for that.
            return MOST_PIXELS_AT_ONCE < picture.width * picture.height <= MAX_GENERATED_PIXELS
    except BotError:
        return False


def _find_pictures(options: Head, parts: list[bytes]) -> Answer:
    from bot.api.image_decoding import find_sources

    found = find_sources(parts[0], options["max_entries"], options["max_bytes"])
    return {"found": [(number, source) for number, source, _ in found]}, [data for _, _, data in found]


def _check_picture(options: Head, parts: list[bytes]) -> Answer:
    from bot.api.image_validation import validate_image

    picture = validate_image(parts[0], options["max_pixels"])
    return {"media_type": picture.media_type, "width": picture.width, "height": picture.height}, []


def _show_picture(_: Head, parts: list[bytes]) -> Answer:
    from bot.conversation.image_inputs import shown

    media_type, data, (width, height) = shown(parts[0])
    return {"media_type": media_type, "width": width, "height": height}, [data]


def _fit_picture(options: Head, parts: list[bytes]) -> Answer:
    from bot.images.compression import compress

    return {}, [compress(parts[0], options["limit"])]


def _read_text(_: Head, parts: list[bytes]) -> Answer:
    from bot.conversation.text_files import decoded

    text = decoded(parts[0])
    return ({"is_text": False}, []) if text is None else ({"is_text": True}, [text.encode()])


def _read_personas(_: Head, parts: list[bytes]) -> Answer:
    from bot.guilds.persona_files import read

    try:
        found = {"personas": [(each.folded, each.name, each.persona) for each in read(parts[0])]}
    except InvalidOption as refusal:
        return {}, [json.dumps({"detail": str(refusal), "sentence": render(refusal.message)}).encode()]
    return {}, [json.dumps(found).encode()]


def _listen(_: Head, parts: list[bytes]) -> Answer:
    from bot.speech.mp3 import duration_s

    return {"seconds": duration_s(parts[0])}, []


def _join(options: Head, parts: list[bytes]) -> Answer:
    from bot.speech.mp3 import fit, join

    return {}, [fit(join(parts), options["limit"])]


def _to_mp3(options: Head, parts: list[bytes]) -> Answer:
    from bot.speech.mp3 import to_mp3

    return {}, [to_mp3(parts[0], options["kind"])]


_JOBS: Final[dict[str, Callable[[Head, list[bytes]], Answer]]] = {
    "find images": _find_pictures,
    "validate image": _check_picture,
    "prepare image": _show_picture,
    "compress image": _fit_picture,
    "decode text": _read_text,
    "parse personas": _read_personas,
    "measure mp3": _listen,
    "join mp3": _join,
    "convert to mp3": _to_mp3,
}


if __name__ == "__main__":
    main()
