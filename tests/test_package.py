"""Tests of the package that `pip install .` installs."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from feeds.languages.translations import FILES
from tests.live_servers import ROOT, wait_for
from tests.programs import skip_if_quick
from tests.stores import ended, free_port

#: The files and folders of which the package is built.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "requirements.txt", "app.py", "feeds")

#: The messages of pip when it reaches no index with the build backend.
OFFLINE = "No matching distribution found for setuptools"


def run(*command: str | Path) -> str:
    """Run a command and return its output; if it fails, fail, or skip without an index."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if OFFLINE in done.stderr and not os.environ.get("CI"):
        pytest.skip("building the package needs an index of packages")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tributary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of the package, installed into an environment of its own."""
    skip_if_quick()
    folder = tmp_path_factory.mktemp("package")
    (folder / "source").mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, folder / "source")
    [wheel] = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv/bin/python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    # It shares the dependencies of this environment: installing them again takes a minute.
    packages = next((folder / "venv/lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv/bin/tributary"


@pytest.fixture(scope="module")
def address(tributary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the sample articles by the installed package in another folder; yield the address."""
    folder = tmp_path_factory.mktemp("served")
    port = str(free_port())
    given = {
        "FEEDS_CONTENT_DIR": str(ROOT / "content"),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "PORT": port,
    }
    with (
        subprocess.Popen([tributary, "serve"], cwd=folder, env=os.environ | given) as process,
        ended(process),
    ):
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("path", ["/", "/all.rss", "/topics/boats", "/embed", "/pictures/logo.png"])
def test_the_installed_package_serves_the_sample_articles(address: str, path: str) -> None:
    with urllib.request.urlopen(f"{address}{path}", timeout=30) as response:
        assert response.status == 200
        assert len(response.read()) > 500


def test_the_installed_package_has_the_catalog_of_every_language(tributary: Path) -> None:
    # With -P Python imports the package rather than the sources in the current folder.
    program = "from feeds.languages import translations as t; print(t.__file__, *t.FILES)"

    place, *languages = run(tributary.parent / "python", "-P", "-c", program).split()

    assert place.startswith(str(tributary.parents[1]))
    assert languages == list(FILES)


def pins(name: str) -> dict[str, str]:
    """Return the versions that a file of requirements pins."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text(), re.M)
    return {package.lower().replace("_", "-"): version for package, version in found}


def test_the_lock_file_pins_every_requirement_at_its_version_with_hashes() -> None:
    locked = pins("requirements.lock")
    text = (ROOT / "requirements.lock").read_text()

    assert pins("requirements.txt").items() <= locked.items()
    assert len(re.findall(r"^\S+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)) == len(locked)


def test_the_installed_command_lists_only_the_commands_of_the_project(tributary: Path) -> None:
    commands = run(tributary, "--help").split("Commands:\n")[1]

    assert [line.split()[0] for line in commands.splitlines() if line[2:3].strip()] == [
        *("announce", "check", "doctor", "explain", "export", "feeds", "images", "refresh"),
        *("serve", "subscribers"),
    ]


def test_the_installed_command_reports_a_wrong_setting_in_one_line(
    tributary: Path, tmp_path: Path
) -> None:
    environ = os.environ | {"FEEDS_CONTENT_DIR": str(tmp_path / "missing")}

    done = subprocess.run(
        [tributary, "check"], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert "FEEDS_CONTENT_DIR" in done.stderr
    assert "Traceback" not in done.stderr
