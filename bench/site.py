"""Our app in this process, over a folder of invented articles."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from feeds.web.flask_response import Web

URL = "https://feeds.example.org"


def web_of(app: Flask) -> Web:
    """Return what the routes of the app respond from."""
    web = app.extensions["tributary"]
    assert isinstance(web, Web)
    return web


def open_app(content: Path, instance: Path, clock: Callable[[], float] = time.time) -> Flask:
    """Return the app over a content folder."""
    from app import create_app

    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": URL,
    }
    return create_app(os.environ | given, clock)


def resident(pid: int) -> float:
    """Return the megabytes of a process in memory, without those that it shares."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["VmRSS"].split()[0]) / 1024
