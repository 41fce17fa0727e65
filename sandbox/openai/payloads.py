"""Response bodies as OpenAI sends them."""

import json
import time
from collections.abc import Sequence

from sandbox.json_object import Json

CHARACTERS_PER_TOKEN = 4
"""A rough estimate, which is enough here."""


def tokens(text: str) -> int:
    """Return an estimate of a text's tokens."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def error(message: str, *, kind: str = "invalid_request_error", code: str | None = None) -> Json:
    """Return an error body; `kind` is its `type`."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def usage(prompt_tokens: int, completion_tokens: int, reasoning_tokens: int = 0) -> Json:
    """Return the token usage of a completion."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens, "audio_tokens": 0},
    }


def completion(call_id: int, model: str, text: str, counts: Json | None) -> Json:
    """Return an unstreamed completion."""
    body: Json = {
        "id": f"chatcmpl-sandbox-{call_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "service_tier": "default",
    }
    if counts is not None:
        body["usage"] = counts
    return body


def chunk(call_id: int, model: str, delta: Json | None, *, finish: str | None = None) -> Json:
    """Return a chunk of a streamed completion; without a delta its `choices` are empty."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {
        "id": f"chatcmpl-sandbox-{call_id}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "service_tier": "default",
        "choices": choices,
    }


def event(payload: Json | str, line_end: str = "\n") -> bytes:
    """Return a server-sent event with its final empty line."""
    data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {data}{line_end}{line_end}".encode()


def model_list(models: Sequence[str]) -> Json:
    """Return the response to `GET /models`."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"} for name in models],
    }
