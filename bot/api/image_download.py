"""Fetching a picture from an address that a server named: http(s) only, never from a private network.

The address is the server's choice, so it is handled as hostile: no key, no cookies, no proxy, every hop checked, and
the connection goes to the very addresses that were checked, so that a name cannot change its mind in between.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.api.timeouts import CallTimeouts
from bot.api.transport import USER_AGENT, ApiResponse, Transport, connection_error
from bot.errors import InvalidApiResponse

_CALL = "images: fetching"
_MAX_ADDRESS = 8192
_MAX_HOPS = 4
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class ImageDownloader:
    """Fetches pictures within the time that the call has left."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def fetch(self, address: str, timeouts: CallTimeouts) -> bytes:
        """Give what is at `address`, bounded in bytes.

        Raises:
            InvalidApiResponse: the address may not be fetched, or nothing usable is there.
            ApiUnreachable: no connection.
            ApiTimeout: a limit passed.
        """
        url = _parse(address)
        limits = self._transport.limits
        due = timeouts.after(limits.first_byte_s)
        resolver = CheckedResolver(allow_private=await timeouts.wait(self._api_is_private, due))
        async with _open_session(resolver) as session:
            for _ in range(_MAX_HOPS):
                resolver.check_literal(url)
                async with self._open(session, url, timeouts, due) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response, timeouts, due)
                    url = _parse(response.headers.get("Location", ""), url)
        raise InvalidApiResponse(f"{_CALL}: too many redirects")

    @asynccontextmanager
    async def _open(
        self, session: aiohttp.ClientSession, url: URL, timeouts: CallTimeouts, due: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(total=None, connect=self._transport.limits.connect_s)

        async def send() -> aiohttp.ClientResponse:
            return await session.get(url, timeout=timeout, allow_redirects=False)

        try:
            response = await timeouts.wait(send, due)
        except (aiohttp.InvalidURL, ValueError):
            # A host that is no name shows only when it is looked up: UnicodeError, of the IDNA codec.
            raise InvalidApiResponse(f"{_CALL}: no address") from None
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(_CALL, error) from None
        try:
            yield response
        finally:
            response.close()

    async def _read(self, response: aiohttp.ClientResponse, timeouts: CallTimeouts, due: float) -> bytes:
        if response.status != 200:
            raise InvalidApiResponse(f"{_CALL}: {response.status}", status=response.status)
        limits = self._transport.limits
        reply = ApiResponse(
            response,
            timeouts,
            _CALL,
            first_due=due,
            idle_s=limits.idle_s,
            max_bytes=limits.image_bytes,
        )
        return await reply.read_whole()

    async def _api_is_private(self) -> bool:
        """Whether the API itself is on a private network: then its pictures may be there as well."""
        host = self._transport.base_url.host or ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        return bool(addresses) and not any(is_public(address) for address in addresses)


class CheckedResolver(AbstractResolver):
    """Gives a connector only addresses that may be connected to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve `host`, refusing it as a whole if any of its addresses is out of bounds."""
        found = await self._resolver.resolve(host, port, family)
        for entry in found:
            self._check(ipaddress.ip_address(entry["host"]))
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()

    def check_literal(self, url: URL) -> None:
        """Refuse a forbidden IP address in the place of a name, which no resolver is ever asked about."""
        try:
            address = ipaddress.ip_address(url.host or "")
        except ValueError:
            return
        self._check(address)

    def _check(self, address: IpAddress) -> None:
        if is_public(address) or (self._allow_private and _is_plainly_private(address)):
            return
        raise InvalidApiResponse(f"{_CALL}: an address that is not public")


def is_public(address: IpAddress) -> bool:
    """Whether `address`, or the IPv4 address wrapped in it, is one of the open internet."""
    address = _unwrapped(address)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_plainly_private(address: IpAddress) -> bool:
    """Private or loopback, but not link-local: that is where clouds keep their credentials."""
    address = _unwrapped(address)
    refused = address.is_link_local or address.is_multicast or address.is_unspecified
    return address.is_private and not refused


def _unwrapped(address: IpAddress) -> IpAddress:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _parse(address: str, base: URL | None = None) -> URL:
    """Read an address, or one that is relative to `base`; credentials in it are dropped."""
    if len(address) > _MAX_ADDRESS:
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
