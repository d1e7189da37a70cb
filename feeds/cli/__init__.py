"""The commands that Tributary adds to ``flask``."""

from flask import Flask

from feeds.cli import doctor, editor_commands, operator_commands
from feeds.cli.command_setup import Tools

__all__ = [
    "Tools",
    "add_commands",
]

_COMMANDS = (
    doctor.doctor,
    editor_commands.check,
    editor_commands.explain,
    editor_commands.feeds,
    editor_commands.refresh,
    operator_commands.announce,
    operator_commands.export,
    operator_commands.images,
    operator_commands.serve_command,
    operator_commands.subscribers,
)


def add_commands(app: Flask, tools: Tools) -> None:
    """Add the commands to the ``flask`` of an app."""
    app.extensions["tributary.tools"] = tools
    for command in _COMMANDS:
        app.cli.add_command(command)
