"""TLS for the voice server: discord.py connects to it over TLS only."""

import functools
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

HOSTS = ("localhost", "127.0.0.1", "::1")


def build_server_context() -> ssl.SSLContext:
    """Return a context with a certificate for the loopback interface."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _get_authority().issue_cert(*HOSTS).configure_cert(context)
    return context


def build_client_context() -> ssl.SSLContext:
    """Return a context for clients in this process that trusts the voice server."""
    context = ssl.create_default_context()
    _get_authority().configure_trust(context)
    return context


def get_authority_pem() -> bytes:
    """Return the certificate of this process's certificate authority."""
    return _get_authority().cert_pem.bytes()


def write_trusted_authorities(path: Path) -> None:
    """Write a file for SSL_CERT_FILE: the system's certificate authorities and this process's."""
    system = ssl.get_default_verify_paths().cafile
    known = b"" if system is None else Path(system).read_bytes().rstrip() + b"\n"
    path.write_bytes(known + get_authority_pem())


@functools.cache
def _get_authority() -> "trustme.CA":
    import trustme  # only in the sandbox's requirements, and slow to import

    return trustme.CA(organization_name="Sandbox")
