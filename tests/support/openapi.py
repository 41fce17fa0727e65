"""Discord's own description of its API, to hold requests and answers against."""

import copy
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sandbox.discord.traffic_log import HttpExchange

CHECKOUT = Path(__file__).resolve().parents[2]
DESCRIPTION = CHECKOUT.parent / "shared" / "discord" / "openapi.json"
BASE = "urn:discord"


class OpenApi:
    """Says where an exchange in the sandbox's traffic log differs from the description."""

    def __init__(self, document: dict[str, Any]) -> None:
        # The description calls the codes inside `errors` integers; Discord's prose and every answer have words there:
        # https://discord.com/developers/docs/reference#error-messages
        worded = document["components"]["schemas"]["InnerErrors"]["properties"]["_errors"]
        worded["items"] = {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}},
        }
        self._document = document
        # Discord takes ids as numbers, too, and discord.py sends those of new attachments so; answers have strings.
        sent = copy.deepcopy(document)
        ids = sent["components"]["schemas"]
        ids["SnowflakeType"] = {"anyOf": [ids["SnowflakeType"], {"type": "integer", "minimum": 0}]}
        self._answers, self._requests = _registry(document), _registry(sent)

    @classmethod
    def beside_the_checkout(cls) -> Self:
        """Load the description; skips the test where it does not lie beside the checkout."""
        if not DESCRIPTION.exists():
            pytest.skip("Discord's openapi.json is not in ../shared/discord beside the checkout")
        return cls(json.loads(DESCRIPTION.read_text()))

    def complaints(self, exchanges: Iterable[HttpExchange]) -> list[str]:
        """One line for each difference; none when all is well."""
        return [line for exchange in exchanges for line in self._complaints(exchange)]

    def differences(self, schema: str, value: object) -> list[str]:
        """Where a value is not as a schema of that name says."""
        return list(_differences(value, ("components", "schemas", schema), self._answers))

    def _complaints(self, exchange: HttpExchange) -> list[str]:
        head = f"{exchange.method} {exchange.template or exchange.path}"
        operation = self._document["paths"].get(exchange.template, {}).get(exchange.method.lower())
        if operation is None:
            return [f"{head} is not described"]
        steps = ("paths", exchange.template, exchange.method.lower())
        lines: list[str] = []
        schemas = operation.get("requestBody", {}).get("content", {})
        if 200 <= exchange.status < 300 and schemas and exchange.request is not None:
            where: tuple[str, ...] = (*steps, "requestBody", "content", "application/json", "schema")
            lines += [f"{head} request {line}" for line in _differences(exchange.request, where, self._requests)]
        described = operation["responses"]
        status = str(exchange.status) if str(exchange.status) in described else f"{exchange.status // 100}XX"
        if status not in described:
            return [*lines, f"{head} answers {exchange.status}, which is not described"]
        answer: tuple[str, ...] = (*steps, "responses", status)
        if "$ref" in described[status]:
            answer = tuple(described[status]["$ref"].removeprefix("#/").split("/"))
        content = self._at(answer).get("content")
        if content is None:
            return lines if exchange.response is None else [*lines, f"{head} answers {status} with a body"]
        where = (*answer, "content", "application/json", "schema")
        return lines + [
            f"{head} answer {status} {line}" for line in _differences(exchange.response, where, self._answers)
        ]

    def _at(self, steps: Iterable[str]) -> Any:
        part: Any = self._document
        for step in steps:
            part = part[step]
        return part


def _registry(document: dict[str, Any]) -> Registry[Any]:
    registry: Registry[Any] = Registry().with_resource(BASE, DRAFT202012.create_resource(document))
    return registry


def _differences(value: object, steps: Iterable[str], registry: Registry[Any]) -> Iterator[str]:
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    validator = Draft202012Validator({"$ref": f"{BASE}#/{pointer}"}, registry=registry)
    for error in validator.iter_errors(value):
        best = max(error.context or [error], key=lambda each: len(each.absolute_path))
        yield f"{error.json_path}: {best.json_path}: {best.message[:300]}"
