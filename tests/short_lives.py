"""What workers do in tests that need no server, in a module that a new process loads at once."""

import signal
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event


def live(says: Connection, is_ready: Event | None = None) -> None:
    """Be ready, and wait for a signal."""
    says.send(True)
    if is_ready:
        is_ready.set()
    signal.pause()


def die(says: Connection, is_ready: Event | None = None) -> None:
    """End without having been ready, after another is."""
    if is_ready:
        is_ready.wait()
    raise SystemExit(1)
