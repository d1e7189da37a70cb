"""Polls of a document in memory, 200 a second: each is sent when it is due, and timed from then.

A server that stands still for a second shows it in all polls that were due meanwhile.
"""

import asyncio
import time
from dataclasses import dataclass, field

#: Polls a second, and connections that stay open for them.
RATE, CONNECTIONS = 200, 50

#: Seconds after which a poll has failed.
PATIENCE = 20


@dataclass
class Timings:
    """The durations of the polls of a period, in milliseconds."""

    taken: list[float] = field(default_factory=list)
    failed: int = 0

    def row(self) -> tuple[int, float, float, int]:
        """The number, the median, the p99 and the failures."""
        ordered = sorted(self.taken)
        middle, last = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
        return len(ordered), middle, last, self.failed


def poll(port: int, path: str, seconds: float) -> Timings:
    """Poll an address for some seconds."""
    return asyncio.run(_poll(port, path, int(seconds * RATE)))


async def _poll(port: int, path: str, count: int) -> Timings:
    timings = Timings()
    free: asyncio.Queue[_Client] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(_Client(*await asyncio.open_connection("127.0.0.1", port), path))

    async def fetch(due: float) -> None:
        """Send one poll that was due at a moment, and record how late its answer is."""
        client = await free.get()
        try:
            await asyncio.wait_for(client.fetch(), PATIENCE)
        except (OSError, EOFError, TimeoutError):
            timings.failed += 1
        else:
            timings.taken.append((time.perf_counter() - due) * 1000)
            free.put_nowait(client)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as polls:
        for number in range(count):
            due = began + number / RATE
            await asyncio.sleep(due - time.perf_counter())
            polls.create_task(fetch(due))
    while not free.empty():
        free.get_nowait().close()
    return timings


class _Client:
    """A connection that stays open."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
    ) -> None:
        self._reader, self._writer = reader, writer
        self._request = f"GET /{path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    async def fetch(self) -> None:
        """Send the request and read its answer."""
        self._writer.write(self._request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise OSError(head.split(b"\r\n")[0])
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()
