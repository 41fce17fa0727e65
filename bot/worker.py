"""A worker process: decodes untrusted bytes for the bot, a job at a time, and may be killed at any moment.

    python -m bot.worker        (started by bot.workers.pool; jobs on standard input, results on standard output)

It imports little, has no secret in its environment, and limits its own memory and, if the system has an alarm, its
time. It ends with its standard input, so that it does not outlive the bot.
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
from bot.workers import framing
from bot.workers.framing import Head

MAX_MEMORY_BYTES: Final = 448 * 1024 * 1024
"""Address space beyond what the process has at its start; an image of 16 megapixels takes 300 MB."""

MAX_PARALLEL_PIXELS: Final = 4_000_000
"""Of an image that may be decoded beside others."""

_NICENESS: Final = 5  # the bot's own work has priority
_ALARM_MARGIN_S: Final = 5  # beyond the job's timeout, at which the bot kills the worker

JobOutput = tuple[Head, list[bytes]]


def main() -> None:
    """Run jobs until standard input ends."""
    requests, responses = _open_pipes()
    _limit_process()
    while (request := _read_request(requests)) is not None:
        head, parts = request
        if hasattr(signal, "alarm"):
            signal.alarm(int(head["timeout_s"]) + _ALARM_MARGIN_S)  # ends the process, whatever it hangs in
        facts, results = _run_job(head, parts)
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        responses.write(framing.encode_head(facts, results))
        for each in results:
            responses.write(each)
        responses.flush()


def _open_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes for requests and responses; whatever else is printed is discarded."""
    responses = os.fdopen(os.dup(1), "wb")
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    return sys.stdin.buffer, responses


def _limit_process() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the bot ends it; Ctrl-C goes to the whole group
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MAX_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # out of memory, the kernel kills this and not the bot
        threading.Thread(target=_exit_with_bot, daemon=True).start()


def _exit_with_bot() -> None:
    """End the process, also during a job, when the bot's end of the pipe is closed."""
    import select

    hangup = select.poll()
    hangup.register(0, 0)
    hangup.poll()
    os._exit(0)


def _read_request(requests: BinaryIO) -> tuple[Head, list[bytes]] | None:
    prefix = requests.read(framing.PREFIX.size)
    if len(prefix) < framing.PREFIX.size:
        return None
    body = requests.read(size := framing.decode_head_length(prefix))
    if len(body) < size:
        return None
    head, sizes = framing.decode_head(body)
    parts = [requests.read(size) for size in sizes]
    return (head, parts) if [len(part) for part in parts] == sizes else None


def _run_job(head: Head, parts: list[bytes]) -> JobOutput:
    """Return the output of a job, or its failure."""
    try:
        if not head["options"].get("may_be_large", True) and _is_large(parts[0]):
            return {"failure": "large"}, []
        facts, results = _JOBS[head["job"]](head["options"], parts)
        framing.encode_head({}, results)
    except MemoryError:
        return {"failure": "memory"}, []
    except BotError as error:
        kind = type(error).__name__
        return {"failure": "too big" if kind in _TOO_BIG_ERRORS else "broken", "detail": str(error)}, []
    except Exception as error:
        # Libraries raise many classes for damaged bytes.
        return {"failure": "broken", "detail": type(error).__name__}, []
    return {"facts": facts}, results


_TOO_BIG_ERRORS: Final = ("ImageTooLarge", "TooLongToSend")


def _is_large(data: bytes) -> bool:
    """Return whether decoding an image may take much memory; False for what is not an image."""
    from bot.api.image_validation import MAX_GENERATED_PIXELS, open_image

    try:
        with open_image(data, sys.maxsize) as (image, _):
            # An image over the bound is refused anyway, and need not wait for that.
            return MAX_PARALLEL_PIXELS < image.width * image.height <= MAX_GENERATED_PIXELS
    except BotError:
        return False


def _find_images(options: Head, parts: list[bytes]) -> JobOutput:
    from bot.api.image_decoding import find_sources

    found = find_sources(parts[0], options["max_entries"], options["max_bytes"])
    return {"found": [(number, source) for number, source, _ in found]}, [data for _, _, data in found]


def _validate_image(options: Head, parts: list[bytes]) -> JobOutput:
    from bot.api.image_validation import validate_image

    image = validate_image(parts[0], options["max_pixels"])
    return {"media_type": image.media_type, "width": image.width, "height": image.height}, []


def _prepare_image(_: Head, parts: list[bytes]) -> JobOutput:
    from bot.conversation.image_inputs import prepare_image

    media_type, data, (width, height) = prepare_image(parts[0])
    return {"media_type": media_type, "width": width, "height": height}, [data]


def _compress_image(options: Head, parts: list[bytes]) -> JobOutput:
    from bot.images.compression import compress

    return {}, [compress(parts[0], options["limit"])]


def _decode_text(_: Head, parts: list[bytes]) -> JobOutput:
    from bot.conversation.text_files import decode_text

    text = decode_text(parts[0])
    return ({"is_text": False}, []) if text is None else ({"is_text": True}, [text.encode()])


def _parse_personas(_: Head, parts: list[bytes]) -> JobOutput:
    from bot.guilds.persona_files import decode

    try:
        found = {"personas": [(each.name_key, each.name, each.persona) for each in decode(parts[0])]}
    except InvalidOption as refusal:
        return {}, [json.dumps({"detail": str(refusal), "message": refusal.message.to_json()}).encode()]
    return {}, [json.dumps(found).encode()]


def _measure_mp3(_: Head, parts: list[bytes]) -> JobOutput:
    from bot.speech.mp3 import duration_s

    return {"seconds": duration_s(parts[0])}, []


def _join_mp3(options: Head, parts: list[bytes]) -> JobOutput:
    from bot.speech.mp3 import compress_mp3, join_mp3s

    return {}, [compress_mp3(join_mp3s(parts), options["limit"])]


def _convert_to_mp3(options: Head, parts: list[bytes]) -> JobOutput:
    from bot.speech.mp3 import to_mp3

    return {}, [to_mp3(parts[0], options["kind"])]


_JOBS: Final[dict[str, Callable[[Head, list[bytes]], JobOutput]]] = {
    "find images": _find_images,
    "validate image": _validate_image,
    "prepare image": _prepare_image,
    "compress image": _compress_image,
    "decode text": _decode_text,
    "parse personas": _parse_personas,
    "measure mp3": _measure_mp3,
    "join mp3": _join_mp3,
    "convert to mp3": _convert_to_mp3,
}


if __name__ == "__main__":
    main()
