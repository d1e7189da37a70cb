"""The programs of this machine that tests run, and their limits."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

#: The PATH, with the folder in which Debian has nginx.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))


def skip_if_quick() -> None:
    """Skip a test that starts a process or a watcher or takes over a second, under `make quick`."""
    if os.environ.get("QUICK"):
        pytest.skip("starts a process or a watcher, or takes long: not in `make quick`")


def examples(count: int) -> int:
    """Return the number of examples for Hypothesis: as given, and a fifth under `make quick`."""
    return count // 5 if os.environ.get("QUICK") else count


def need(program: str) -> str:
    """Return the path of a program, or skip the test that needs it; in CI, fail the test."""
    skip_if_quick()
    found = shutil.which(program, path=PATH)
    reason = f"{program} is missing: `tests/setup` installs it, run by root"
    if found is None and os.environ.get("CI"):
        pytest.fail(reason)
    if found is None:
        pytest.skip(reason)
    return found


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """Limit the files that this process, and those started meanwhile, may open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
