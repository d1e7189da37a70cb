"""A host that says of each path what the path asks it to say, as a process."""

import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class OddHost(BaseHTTPRequestHandler):
    """Answers ``/NAME/REST`` by its method ``say_NAME``, and prints a line for each request."""

    def obey(self, line: str) -> None:
        """Print a line, and answer."""
        # At once: two that are printed in pieces at one time get mixed.
        print(f"{line}\n", end="", flush=True)
        name, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"say_{name}", self.say_otherwise)(rest or name)

    def say_otherwise(self, rest: str) -> None:
        self.answer(404)

    def say_status(self, rest: str) -> None:
        self.answer(int(rest.split(".")[0]))

    def say_drip(self, rest: str) -> None:
        """Send so slowly that it takes ten seconds, and no time-out of a single read notices."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"a")
                time.sleep(0.1)

    def answer(self, status: int, *headers: tuple[str, str]) -> None:
        """Send an answer without a body."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing else."""

    @classmethod
    def serve(cls) -> None:
        """Serve at the port that the command names."""
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), cls).serve_forever()
