"""Downloads an image from a URL that a server named: http(s) only, never from a private network.

The URL is the server's choice, so it is untrusted (SSRF): no key, no cookies, no proxy, every redirect is checked, and
the connection goes to the very IP addresses that were checked, so that DNS rebinding cannot change them in between.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.api.call import ApiCall
from bot.api.transport import USER_AGENT, ApiResponse, Transport, connection_error
from bot.errors import InvalidApiResponse

_CALL = "images: fetching"
_MAX_URL_LENGTH = 8192
_MAX_REDIRECTS = 4
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class ImageDownloader:
    """Downloads images within the time that the call has left."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def download(self, address: str, call: ApiCall) -> bytes:
        """Return what is at `address`, bounded in bytes.

        Raises:
            InvalidApiResponse: the address must not be fetched, or nothing usable is there.
            ApiUnreachable: no connection.
            ApiTimeout: a limit passed.
        """
        url = _parse_url(address)
        limits = self._transport.limits
        due = call.due_in(limits.first_byte_s)
        resolver = CheckedResolver(allow_private=await call.wait(self._api_is_private, due))
        async with _open_session(resolver) as session:
            for _ in range(_MAX_REDIRECTS):
                resolver.check_literal(url)
                async with self._open(session, url, call, due) as response:
                    if response.status not in _REDIRECT_STATUSES:
                        return await self._read(response, call, due)
                    url = _parse_url(response.headers.get("Location", ""), url)
        raise InvalidApiResponse(f"{_CALL}: too many redirects")

    @asynccontextmanager
    async def _open(
        self, session: aiohttp.ClientSession, url: URL, call: ApiCall, due: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, connect=self._transport.limits.connect_s)

        async def send() -> aiohttp.ClientResponse:
            return await session.get(url, timeout=timeout, allow_redirects=False)

        try:
            response = await call.wait(send, due)
        except (aiohttp.InvalidURL, ValueError):
            # An invalid host name shows only when it is resolved: UnicodeError, of the IDNA codec.
            raise InvalidApiResponse(f"{_CALL}: no address") from None
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(_CALL, error) from None
        try:
            yield response
        finally:
            response.close()

    async def _read(self, response: aiohttp.ClientResponse, call: ApiCall, due: float) -> bytes:
        if response.status != 200:
            raise InvalidApiResponse(f"{_CALL}: {response.status}", status=response.status)
        limits = self._transport.limits
        body = ApiResponse(
            response,
            call,
            first_byte_due=due,
            idle_s=limits.idle_s,
            max_bytes=limits.image_bytes,
        )
        return await body.read_whole()

    async def _api_is_private(self) -> bool:
        """Return whether the API itself is on a private network: then its images may be there as well."""
        host = self._transport.base_url.host or ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        return bool(addresses) and not any(is_public(address) for address in addresses)


class CheckedResolver(AbstractResolver):
    """Resolves names for a connector, and refuses addresses that must not be connected to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            InvalidApiResponse: any of them must not be connected to.
        """
        found = await self._resolver.resolve(host, port, family)
        for entry in found:
            self._check(ipaddress.ip_address(entry["host"]))
        return found

    async def close(self) -> None:
        """Close the resolver below."""
        await self._resolver.close()

    def check_literal(self, url: URL) -> None:
        """Check an IP address in place of a host name, which is never resolved.

        Raises:
            InvalidApiResponse: it must not be connected to.
        """
        try:
            address = ipaddress.ip_address(url.host or "")
        except ValueError:
            return
        self._check(address)

    def _check(self, address: IpAddress) -> None:
        if is_public(address) or (self._allow_private and _is_private(address)):
            return
        raise InvalidApiResponse(f"{_CALL}: an address that is not public")


def is_public(address: IpAddress) -> bool:
    """Return whether `address`, or the IPv4 address embedded in it, is on the public internet."""
    address = _embedded_ipv4(address)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_private(address: IpAddress) -> bool:
    """Return whether it is private or loopback, but not link-local: clouds serve their credentials there."""
    address = _embedded_ipv4(address)
    refused = address.is_link_local or address.is_multicast or address.is_unspecified
    return address.is_private and not refused


def _embedded_ipv4(address: IpAddress) -> IpAddress:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _parse_url(address: str, base: URL | None = None) -> URL:
    """Return the URL `address`, which may be relative to `base`, without its credentials."""
    if len(address) > _MAX_URL_LENGTH:
        raise InvalidApiResponse(f"{_CALL}: an address of {len(address)} characters")
    if not address.isprintable():
        raise InvalidApiResponse(f"{_CALL}: no address")
    try:
        url = URL(address) if base is None else base.join(URL(address))
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidApiResponse(f"{_CALL}: not http")
        return url.with_user(None)
    except ValueError:  # UnicodeError is one
        raise InvalidApiResponse(f"{_CALL}: no address") from None


def _open_session(resolver: CheckedResolver) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept": "image/*", "Accept-Encoding": "identity"},
    )
