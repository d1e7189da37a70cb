"""The commands that Tributary adds to ``flask``."""

from flask import Flask

from feeds.cli import doctor, editing, operating
from feeds.cli.tools import Tools

__all__ = [
    "Tools",
    "add_commands",
]

_COMMANDS = (
    doctor.doctor,
    editing.check,
    editing.explain,
    editing.feeds,
    editing.refresh,
    operating.announce,
    operating.export,
    operating.images,
    operating.serve_command,
    operating.subscribers,
)


def add_commands(app: Flask, tools: Tools) -> None:
    """Add the commands to the ``flask`` of an app."""
    app.extensions["tributary.tools"] = tools
    for command in _COMMANDS:
        app.cli.add_command(command)
