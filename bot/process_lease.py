"""The lease of this process: one heartbeat renews it, and one function says whether another process is dead.

What a process has reserved and what it answers bear its name. Once it is dead, another process takes both over. A
process that was declared dead while it lived goes on under a new name.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol

from bot.clock import Clock, unix_ms
from bot.errors import StoreUnavailable
from bot.liveness import ProcessLock
from bot.store.database import Database
from bot.store.processes import ProcessLeases
from bot.tasks import background_loop

LEASE_S: Final = 45
HEARTBEAT_INTERVAL_S: Final = 10
"""Three heartbeats may fail before a lease expires."""

HEARTBEATS_PER_CLEANUP: Final = 60
"""What is old is deleted at the first heartbeat, and then every ten minutes."""

logger = logging.getLogger(__name__)


class LeaseHolder(Protocol):
    """What works under the process's name and needs its heartbeat."""

    async def on_heartbeat(self) -> None:
        """Do what is to be done at each heartbeat. May raise StoreUnavailable: the next one follows all the same."""
        ...

    async def delete_old(self) -> None:
        """Delete what is kept for a certain time only. May raise StoreUnavailable."""
        ...


OnDeclaredDead = Callable[[str], Awaitable[None]]
"""Ends what bears a former name of this process. May raise StoreUnavailable."""


class ProcessLease:
    """The lease of this process, and those of the others.

    `name` is the process's among all that use the database, as its lock file has it.
    """

    def __init__(self, database: Database, clock: Clock, process_lock: ProcessLock) -> None:
        self.name = process_lock.process
        self._leases = ProcessLeases(database)
        self._clock = clock
        self._process_lock = process_lock
        self._holders: Sequence[LeaseHolder] = ()
        self._on_declared_dead: OnDeclaredDead
        self._heartbeats = 0

    @asynccontextmanager
    async def running(self, *holders: LeaseHolder, on_declared_dead: OnDeclaredDead) -> AsyncIterator[None]:
        """Hold the lease for as long as the block runs; leave it when all that was reserved or answered has ended.

        Args:
            on_declared_dead: called with the process's former name, once it has a new one.

        Raises:
            StoreUnavailable: the store cannot be used at the start.
        """
        self._holders, self._on_declared_dead = holders, on_declared_dead
        await self._leases.add(self.name, self._lease_until_ms())
        try:
            async with background_loop(self._beat, HEARTBEAT_INTERVAL_S, self._clock, name="heartbeat"):
                yield
        finally:
            try:
                await self._leases.delete(self.name)
            except StoreUnavailable as error:
                logger.warning("lease not released", extra={"detail": str(error)})

    async def declare_dead(self) -> list[str]:
        """Declare the dead processes dead and return them: what they left is to be taken over, then `delete` called.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        leases = (await self._leases.list_all()).items()
        dead = [(process, until_ms) for process, until_ms in leases if self._is_dead(process, until_ms)]
        return [process for process, until_ms in dead if await self._leases.declare_dead(process, until_ms)]

    async def delete(self, process: str) -> None:
        """Delete a dead process of which nothing is left.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        await self._leases.delete(process)
        self._process_lock.remove_lock(process)

    async def is_alone(self) -> bool:
        """Return whether this is the only process on the database, as far as that can be known.

        Raises:
            StoreUnavailable: the store cannot be read just now.
        """
        if not self._process_lock.is_alone():
            return False
        leases = await self._leases.list_all()
        return all(process == self.name or self._is_dead(process, until_ms) for process, until_ms in leases.items())

    def _is_dead(self, process: str, lease_until_ms: int) -> bool:
        """Return whether another process is dead. Its lock decides; where that is not known, its lease.

        A clock that may be wrong declares no process dead.
        """
        if process == self.name:
            return False
        alive = self._process_lock.is_alive(process)
        if alive is not None:
            return not alive
        return self._clock.agrees_with_discord() and lease_until_ms <= unix_ms(self._clock.discord_now())

    async def _beat(self) -> None:
        self._heartbeats += 1
        await _try(self._renew)
        for holder in self._holders:
            await _try(holder.on_heartbeat)
        if self._heartbeats % HEARTBEATS_PER_CLEANUP == 1:
            for holder in self._holders:
                await _try(holder.delete_old)

    async def _renew(self) -> None:
        if not await self._leases.renew(self.name, self._lease_until_ms()):
            await self._take_new_name()

    async def _take_new_name(self) -> None:
        """Go on under a new name: another process has taken over, or will, what bears the former one."""
        former, name = self.name, new_process_name()
        self._process_lock.rename(name)  # first: without a lock the new name would count as dead
        await self._leases.add(name, self._lease_until_ms())
        self.name = name
        logger.warning("declared dead, going on under a new name", extra={"former_name": former, "new_name": name})
        await self._on_declared_dead(former)

    def _lease_until_ms(self) -> int:
        return unix_ms(self._clock.discord_now() + timedelta(seconds=LEASE_S))


def new_process_name() -> str:
    """Return a name that no process has had before."""
    return secrets.token_hex(8)


async def _try(step: Callable[[], Awaitable[None]]) -> None:
    """Take one step of a heartbeat; one that fails must not keep the others from being taken."""
    try:
        await step()
    except StoreUnavailable as error:
        logger.warning("heartbeat failed", extra={"detail": str(error)})
    except Exception:
        # Without heartbeats other processes would take this one for dead: go on after any error.
        logger.exception("heartbeat failed")
