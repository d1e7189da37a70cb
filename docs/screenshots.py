"""Takes the pictures in README: `.venv/bin/python -m docs.screenshots`, of the sample content.

Needs chromium, and what the tests need. With the Debian packages fonts-urw-base35 and
fonts-wqy-zenhei the pages look as on most machines; without, letters of some names are empty boxes.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
PORT = 8097
HOME = f"http://127.0.0.1:{PORT}"

#: GitHub shows pictures of a README at most this wide, twice as fine on good screens.
QUALITY = 82


def main() -> None:
    """Start a server over content/, take three pictures of its pages, and stop it."""
    with tempfile.TemporaryDirectory() as instance:
        given = {"FEEDS_INSTANCE_DIR": instance, "FEEDS_URL": HOME, "PORT": str(PORT)}
        server = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "serve"],
            cwd=ROOT,
            env=os.environ | given,
        )
        try:
            _wait(server)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
                )
                _take(browser, "home", "/", 1280, 960, "light")
                _take(browser, "topic-dark", "/topics/nature", 390, 844, "dark", scale=2)
                _take(browser, "embed", "/embed?feed=topics/river-life", 1280, 960, "light")
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _wait(server: "subprocess.Popen[bytes]") -> None:
    for _ in range(100):
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            urllib.request.urlopen(f"{HOME}/readyz").close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _take(
    browser: Browser, name: str, path: str, width: int, height: int, scheme: str, scale: int = 1
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=scale,
    )
    page = context.new_page()
    page.goto(f"{HOME}{path}", wait_until="networkidle")
    _show_public_addresses(page)
    file = ROOT / "docs" / "pictures" / f"{name}.jpg"
    file.parent.mkdir(exist_ok=True)
    page.screenshot(path=file, type="jpeg", quality=QUALITY)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")
    context.close()


def _show_public_addresses(page: Page) -> None:
    """Write the addresses as they are on a public server, not those of this machine."""
    page.evaluate(
        """(home) => document.querySelectorAll("input, textarea").forEach((field) => {
            field.value = field.value.replaceAll(home, "https://feeds.rivernews.example");
        })""",
        HOME,
    )


if __name__ == "__main__":
    main()
