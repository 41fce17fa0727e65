"""Addresses that may be fetched from, and those that may not."""

from ipaddress import ip_address

import pytest

from bot.api.image_download import CheckedResolver, ImageDownloader, is_public
from bot.api.transport import CallLimits, Transport, open_session
from bot.clock import SystemClock
from bot.errors import InvalidApiResponse
from tests.api.api_peers import KEY, peer, replying

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:808:808::80ff:fffe",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_leads_back_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


async def fetch(address: str, *, api: str) -> bytes:
    clock = SystemClock()
    async with open_session() as session:
        transport = Transport(session, base_url=api, key=KEY, clock=clock, limits=CallLimits())
        with transport.start_call("images") as call:
            return await ImageDownloader(transport).download(address, call)


HOSTS = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_public_api_cannot_make_the_bot_fetch_from_its_own_machine(host: str) -> None:
    async with peer(replying(b"secret")) as inside:
        port = inside.base_url.split(":")[2].split("/")[0]
        with pytest.raises(InvalidApiResponse):
            await fetch(f"http://{host}:{port}/", api="https://8.8.8.8/v1")

    assert inside.requests == []


async def test_a_private_api_may_name_its_neighbours() -> None:
    async with peer(replying(b"picture")) as inside:
        fetched = await fetch(inside.base_url, api="http://localhost:9/v1")

    assert fetched == b"picture"


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0"])
async def test_even_a_private_api_cannot_name_link_local_addresses(host: str) -> None:
    with pytest.raises(InvalidApiResponse):
        await fetch(f"http://{host}/latest/meta-data", api="http://10.0.0.1/v1")


async def test_a_name_is_refused_where_it_is_resolved_so_that_it_cannot_change_later() -> None:
    resolver = CheckedResolver(allow_private=False)

    with pytest.raises(InvalidApiResponse):
        await resolver.resolve("localhost", 80)
    assert await CheckedResolver(allow_private=True).resolve("localhost", 80)
