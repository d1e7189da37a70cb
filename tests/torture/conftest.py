"""The length of the stress tests, and the output of their figures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Scale = Callable[[int, int], int]
Figure = Callable[[str], None]

#: Set by ``make torture``.
IS_LONG = bool(os.environ.get("TORTURE"))


def scaled(short: int, long: int) -> int:
    """Return the number for the short form of the tests, or that for the long one.

    A limit of time is generous in the short form, which runs beside other work.
    """
    return long if IS_LONG else short


def copy_articles(source: Path, target: Path) -> None:
    """Copy a folder of articles without its permissions, which may forbid writing."""
    for file in source.rglob("*.md"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


@pytest.fixture
def figure(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Figure]:
    """Yield a function that prints a measurement in a line, whether the test passes or not."""
    lines: list[str] = []
    yield lines.append
    with capsys.disabled():
        print("".join(f"\n{line}" for line in lines), end=" ")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 8 MB that a test may fill."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = os.system(f"mount -t tmpfs -o size=8m tmpfs {folder} 2>/dev/null") == 0
    if not mounted:
        pytest.skip("only root may mount the small disk that this test fills")
    yield folder
    os.system(f"umount -l {folder}")
