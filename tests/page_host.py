"""A host of pages: `/status/404.NAME` answers with that status; see tests/odd_host.py."""

from tests.odd_host import OddHost


class PageHost(OddHost):
    """Prints and answers each request for a page."""

    def do_GET(self) -> None:
        self.obey(f"GET {self.path}")


if __name__ == "__main__":
    PageHost.serve()
