"""The type of a JSON object on the wire."""

from typing import Any

# Any: JSON as it is sent is not one type; every reader checks what it takes out.
Json = dict[str, Any]
