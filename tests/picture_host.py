"""A host of pictures, as a process: it says of each path what the path asks it to say."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers, and prints a line for each request."""

    def do_HEAD(self) -> None:
        print(self.command, self.path, flush=True)
        name, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"say_{name}", self.say_length)(rest or name)

    do_GET = do_HEAD

    def say_length(self, rest: str) -> None:
        self._say(200, ("Content-Type", "image/webp"), ("Content-Length", rest.split(".")[0]))

    def say_page(self, rest: str) -> None:
        self._say(200, ("Content-Type", "text/html"), ("Content-Length", "99"))

    def say_silent(self, rest: str) -> None:
        self._say(200, ("Content-Type", "image/png"))

    def say_packed(self, rest: str) -> None:
        packed = ("Content-Encoding", "gzip")
        self._say(200, ("Content-Type", "image/png"), ("Content-Length", "9"), packed)

    def say_status(self, rest: str) -> None:
        self._say(int(rest.split(".")[0]))

    def say_to(self, rest: str) -> None:
        self._say(302, ("Location", f"/{rest}"))

    def say_elsewhere(self, rest: str) -> None:
        self._say(301, ("Location", f"http://{rest}"))

    def say_loop(self, rest: str) -> None:
        self._say(302, ("Location", self.path))

    def say_drip(self, rest: str) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        for _ in range(100):
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
