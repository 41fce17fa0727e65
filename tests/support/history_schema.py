"""docs/reference/history-export.md as a schema that files can be held against."""

TEXT = {"type": "string"}
ID = {"type": "string", "pattern": "^[0-9]{15,20}$"}
ID_OR_NONE = {"anyOf": [ID, {"type": "null"}]}
COUNT = {"type": "integer", "minimum": 0}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}


def exactly(**fields: object) -> dict[str, object]:
    """An object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


TURN = exactly(
    id=COUNT,
    follows={"type": ["integer", "null"]},
    server_id=ID_OR_NONE,
    channel_id=ID,
    author=exactly(id=ID, name=TEXT),
    at=MOMENT,
    private={"type": "boolean"},
    question=TEXT,
    files={"type": "array", "items": TEXT},
    about_message_id=ID_OR_NONE,
    answer=TEXT,
    ended=TEXT,
    model=TEXT,
    tokens=exactly(prompt=COUNT, answer=COUNT, estimated={"type": "boolean"}),
    question_message_id=ID_OR_NONE,
    answer_message_ids={"type": "array", "items": ID},
)

_COUNTS = {"turns_kept": COUNT, "turns_in_file": COUNT, "turns": {"type": "array", "items": TURN}}

HISTORY = exactly(
    format={"const": "multiappai-discord-history"},
    version={"const": 1},
    exported_at=MOMENT,
    server_id=ID_OR_NONE,
    channel_id=ID,
    **_COUNTS,
)

OWN_DATA = exactly(
    format={"const": "multiappai-discord-own-data"},
    version={"const": 1},
    exported_at=MOMENT,
    member_id=ID,
    others_kept={"type": "object", "additionalProperties": COUNT},
    others={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
    **_COUNTS,
)
