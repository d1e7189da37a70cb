"""A test host of pages: `/status/404.NAME` has that status; see tests/odd_host.py."""

from tests.odd_host import OddHost


class PageHost(OddHost):
    """A handler that prints each request for a page and responds."""

    def do_GET(self) -> None:
        self.obey(f"GET {self.path}")


if __name__ == "__main__":
    PageHost.serve()
