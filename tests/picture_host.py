"""A test host of images, run as a process; it prints a line for each request."""

from tests.odd_host import OddHost


class PictureHost(OddHost):
    """A handler that sends the head of an image: of ``/5.jpg``, a length of five bytes."""

    def do_HEAD(self) -> None:
        self.obey(f"{self.command} {self.path}")

    do_GET = do_HEAD

    def respond_otherwise(self, rest: str) -> None:
        self.answer(200, ("Content-Type", "image/webp"), ("Content-Length", rest.split(".")[0]))

    def respond_page(self, rest: str) -> None:
        self.answer(200, ("Content-Type", "text/html"), ("Content-Length", "99"))

    def respond_silent(self, rest: str) -> None:
        self.answer(200, ("Content-Type", "image/png"))

    def respond_packed(self, rest: str) -> None:
        packed = ("Content-Encoding", "gzip")
        self.answer(200, ("Content-Type", "image/png"), ("Content-Length", "9"), packed)

    def respond_to(self, rest: str) -> None:
        self.answer(302, ("Location", f"/{rest}"))

    def respond_elsewhere(self, rest: str) -> None:
        self.answer(301, ("Location", f"http://{rest}"))

    def respond_loop(self, rest: str) -> None:
        self.answer(302, ("Location", self.path))


if __name__ == "__main__":
    PictureHost.serve()
