"""The server that ``flask serve`` starts: granian, which silent and slow sockets do not block."""

import logging

import click
from granian.constants import Interfaces
from granian.server import Server

from feeds.library import Library
from feeds.settings import Environment


def serve(environment: Environment, library: Library, site_url: str) -> None:
    """Serve ``app:app`` in workers until stopped.

    This process watches the folder; the workers answer, and one of them takes over if it dies.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    library.start()
    click.echo(f"Serving {environment.content} at {environment.own_url}/ (Ctrl-C to stop)")
    if site_url == environment.own_url:
        click.echo("This address is for trying out: set FEEDS_URL to the one that readers use.")
    server = Server(
        "app:app",
        address=environment.host,
        port=environment.port,
        interface=Interfaces.WSGI,
        workers=environment.workers,
        respawn_failed_workers=True,
        log_access=False,
    )
    server.serve()
    library.stop()
