"""How connections are made to hosts that the operator has named."""

import aiohttp


def connector() -> aiohttp.TCPConnector:
    """Return a connector for any number of connections; call it while the event loop runs.

    Names are looked up as all programs on this machine look them up. aiohttp alone would ask name servers only once
    aiodns is installed, which comes with discord.py's extras for speed, and miss what mDNS, LDAP and the like know.
    """
    return aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver())
