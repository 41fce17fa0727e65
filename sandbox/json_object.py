"""The type of JSON objects."""

from typing import Any

# Any: received JSON has no fixed type; readers check what they use.
Json = dict[str, Any]
