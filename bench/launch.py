"""Starts ``app:app`` under a server by name: ``python -m bench.launch bjoern 8000 1``."""

import os
import sys
from typing import Any


def main() -> None:
    """Start the server that the arguments name, until stopped."""
    name, port, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for _ in range(workers - 1):
        if os.fork() == 0:
            break
    _LAUNCHERS[name](port)


def _app() -> Any:
    # Imported in the worker, as each of the servers would.
    from app import app

    return app


def _bjoern(port: int) -> None:
    import bjoern

    bjoern.run(_app(), "127.0.0.1", port, reuse_port=True)


def _fastwsgi(port: int) -> None:
    import fastwsgi

    fastwsgi.run(wsgi_app=_app(), host="127.0.0.1", port=port)


def _fastpysgi(port: int) -> None:
    import fastpysgi

    fastpysgi.run(_app(), "127.0.0.1", port)


def _pyruvate(port: int) -> None:
    import pyruvate

    pyruvate.serve(_app(), f"127.0.0.1:{port}", 2)


_LAUNCHERS = {
    "bjoern": _bjoern,
    "fastwsgi": _fastwsgi,
    "fastpysgi": _fastpysgi,
    "pyruvate": _pyruvate,
}

if __name__ == "__main__":
    main()
