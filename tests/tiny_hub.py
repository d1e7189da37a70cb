"""A faulty hub, run as a process; the path selects its fault. It prints a line for each request."""

import time
from pathlib import Path
from urllib.parse import parse_qs

from tests.odd_host import OddHost


class TinyHub(OddHost):
    """A handler of announcements."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.obey(f"{self.path} {form['hub.mode'][0]} {form['hub.url'][0]}")

    def do_GET(self) -> None:
        self.obey(f"{self.path} GET")

    def respond_file(self, rest: str) -> None:
        """Respond with the status that a file holds at the moment."""
        self.answer(int(Path("/" + rest).read_text()))

    def respond_later(self, rest: str) -> None:
        self.answer(503, ("Retry-After", rest.replace("%20", " ")))

    def respond_elsewhere(self, rest: str) -> None:
        self.answer(307, ("Location", f"http://{self.headers['Host']}/status/202"))

    def respond_garbage(self, rest: str) -> None:
        self.wfile.write(b"\0\xffwhat?\r\n\r\n")
        self.close_connection = True

    def respond_silence(self, rest: str) -> None:
        time.sleep(30)


if __name__ == "__main__":
    TinyHub.serve()
