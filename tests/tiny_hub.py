"""A hub that is as bad as its path says, as a process; it prints a line for each request."""

import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs


class Handler(BaseHTTPRequestHandler):
    """Answers a ping."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.say(f"{self.path} {form['hub.mode'][0]} {form['hub.url'][0]}")
        name, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"say_{name}")(rest)

    def do_GET(self) -> None:
        self.say(f"{self.path} GET")
        self.say_status("200")

    def say(self, line: str) -> None:
        """Print a line at once: two that are printed in pieces at one time get mixed."""
        print(f"{line}\n", end="", flush=True)

    def say_status(self, rest: str) -> None:
        self._say(int(rest))

    def say_file(self, rest: str) -> None:
        """The status that a file holds by now."""
        self._say(int(Path("/" + rest).read_text()))

    def say_later(self, rest: str) -> None:
        self._say(503, ("Retry-After", rest.replace("%20", " ")))

    def say_elsewhere(self, rest: str) -> None:
        self._say(307, ("Location", f"http://{self.headers['Host']}/status/202"))

    def say_garbage(self, rest: str) -> None:
        self.wfile.write(b"\0\xffwhat?\r\n\r\n")
        self.close_connection = True

    def say_silence(self, rest: str) -> None:
        time.sleep(30)

    def say_drip(self, rest: str) -> None:
        self.wfile.write(b"HTTP/1.0 202 OK\r\nX-Slow: ")
        with suppress(OSError):
            for _ in range(200):
                self.wfile.write(b"a")
                time.sleep(0.1)

    def _say(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing else."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
