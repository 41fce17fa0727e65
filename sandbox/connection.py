"""Breaking off a client's connection."""

import socket
import struct

from aiohttp import web


def reset(request: web.Request) -> None:
    """Reset the connection that a request came by."""
    if request.transport is not None:
        linger = struct.pack("ii", 1, 0)  # a close with nothing to linger for is a reset
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
