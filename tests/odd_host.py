"""A test host, run as a process: the path of a request names the response."""

import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class OddHost(BaseHTTPRequestHandler):
    """A handler that runs ``respond_NAME`` for ``/NAME/REST``, and prints each request."""

    def obey(self, line: str) -> None:
        """Print a line, and respond."""
        # In one write: pieces of two simultaneous lines would be mixed.
        print(f"{line}\n", end="", flush=True)
        name, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"respond_{name}", self.respond_otherwise)(rest or name)

    def respond_otherwise(self, rest: str) -> None:
        self.answer(404)

    def respond_status(self, rest: str) -> None:
        self.answer(int(rest.split(".")[0]))

    def respond_drip(self, rest: str) -> None:
        """Send slowly, for ten seconds, so that no timeout of a single read expires."""
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"a")
                time.sleep(0.1)

    def answer(self, status: int, *headers: tuple[str, str]) -> None:
        """Send a response without a body."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing else."""

    @classmethod
    def serve(cls) -> None:
        """Serve at the port that the command line names."""
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), cls).serve_forever()
