"""Hundreds of simultaneous clients, bounded in number and in time."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.waiting import wait_for

#: Seconds after which a client gives up.
PATIENCE = 20


async def fetch(address: str, *headers: str) -> tuple[int, bytes]:
    """Send a GET on a new connection; return the status and the body."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        writer.write("\r\n".join([*lines, *headers, "", ""]).encode())
        answer = await reader.read(-1)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


async def _try(address: str, *headers: str) -> tuple[object, bytes]:
    try:
        return await asyncio.wait_for(fetch(address, *headers), PATIENCE)
    except (OSError, IndexError, ValueError, TimeoutError) as error:
        return type(error).__name__, b""


def all_at_once(addresses: Sequence[str], *headers: str) -> list[tuple[object, bytes]]:
    """Request all addresses at the same time."""

    async def run() -> list[tuple[object, bytes]]:
        return await asyncio.gather(*(_try(address, *headers) for address in addresses))

    # A test in a browser may have left a running loop in the current thread.
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(lambda: asyncio.run(run())).result()


@dataclass
class Load:
    """Clients that request one address after the other until they are stopped."""

    addresses: Sequence[str]
    clients: int = 8
    #: Seconds between the requests of a client.
    pause: float = 0.01
    #: The number of responses by status.
    statuses: Counter[object] = field(default_factory=Counter)
    _is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join(PATIENCE)

    def continues(self, count: int = 100) -> bool:
        """Return True if the clients get a number of further responses."""
        wanted = self.statuses.total() + count
        return wait_for(lambda: self.statuses.total() >= wanted, PATIENCE)

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        turn = number
        while not self._is_over.is_set():
            status, _ = await _try(self.addresses[turn % len(self.addresses)])
            self.statuses[status] += 1
            turn += 1
            await asyncio.sleep(self.pause)
