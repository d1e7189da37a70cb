"""Tests of the test tools: reserved ports, and the programs that tests run."""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import stores
from tests.live_servers import ROOT
from tests.programs import need, skip_if_quick
from tests.stores import free_port

SETUP = ROOT / "tests" / "setup"

#: The programs that the script installs by its own list, and the checker from npm.
INSTALLED = set(re.findall(r"([\w-]+)[:@][\w.]", SETUP.read_text()))


def test_a_port_is_reserved_for_its_server() -> None:
    port = free_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", port))
    with stores.running(port, sys.executable, "-m", "http.server", str(port)):
        pass

    assert refused.value.errno == errno.EADDRINUSE


def test_the_setup_installs_every_program_that_a_test_needs() -> None:
    sources = [file.read_text() for file in (ROOT / "tests").rglob("*.py")]
    needed = {name for source in sources for name in re.findall(r'\bneed\("(.+?)"\)', source)}

    assert len(needed) > 5
    assert needed - {MISSING} <= INSTALLED


MISSING = "no-such-program"


def test_a_test_without_its_program_is_skipped_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("QUICK", raising=False)

    with pytest.raises(pytest.skip.Exception, match="tests/setup"):
        need("no-such-program")


def test_in_ci_a_test_without_its_program_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("QUICK", raising=False)

    with pytest.raises(pytest.fail.Exception, match="tests/setup"):
        need("no-such-program")


def set_up(path: str | Path) -> str:
    """Run the setup with a PATH; return its output."""
    done = subprocess.run(
        [SETUP], env={"PATH": str(path)}, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


def test_the_setup_without_permission_prints_the_command(tmp_path: Path) -> None:
    for program in ("bash", "dirname"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    (tmp_path / "python3").symlink_to(sys.executable)

    printed = set_up(tmp_path)

    assert all(word in printed for word in ("chromium", "html-validate", "tests/setup"))
    assert len(printed.splitlines()) == 2


def test_the_setup_prints_nothing_if_everything_is_installed() -> None:
    for program in INSTALLED:
        need(program)

    assert set_up(os.environ["PATH"]) == ""


def test_ctrl_c_ends_the_tests_in_a_few_lines(tmp_path: Path) -> None:
    skip_if_quick()
    (tmp_path / "test_it.py").write_text("def test(tmp_path):\n    raise KeyboardInterrupt\n")
    options = ["-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path / "test_it.py"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) < 10
