"""Breaking off a client's connection."""

import socket
import struct

from aiohttp import web


def reset(request: web.Request) -> None:
    """Reset the connection of a request."""
    if request.transport is not None:
        linger = struct.pack("ii", 1, 0)  # closing with a linger time of 0 sends a reset
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
