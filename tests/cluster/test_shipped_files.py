"""Tests of the shipped files that cannot run here: they agree with those that can."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from feeds.settings import read_environment
from tests.live_servers import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())


def test_every_shipped_file_is_documented() -> None:
    explained = (ROOT / "docs" / "operations.md").read_text()

    assert [file.name for file in DEPLOY.iterdir() if f"`{file.name}`" not in explained] == []


def test_nginx_has_the_nodes_that_compose_starts() -> None:
    nodes = {name: it for name, it in COMPOSE["services"].items() if name.startswith("node")}
    addresses = {node["networks"]["inside"]["ipv4_address"] for node in nodes.values()}

    known = set(re.findall(r"server ([\d.]+):8000", (DEPLOY / "nginx-nodes.conf").read_text()))

    assert len(nodes) == 2
    assert known == addresses


def test_compose_mounts_existing_files() -> None:
    mounted = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
    ]

    files = [name for name in mounted if name.startswith("./")]
    assert len(files) == 3
    assert [name for name in files if not (DEPLOY / name).is_file()] == []


def test_the_instance_folder_outlives_its_container() -> None:
    kept = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
        if volume.endswith(":/state")
    ]

    assert len(kept) == len(set(kept)) == 2
    assert set(kept) <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", ["tributary.env", "Dockerfile", "compose.yml"])
def test_the_shipped_settings_exist(name: str, tmp_path: Path) -> None:
    known = re.findall(r'"((?:FEEDS_[A-Z_]+))"', (ROOT / "feeds/settings.py").read_text())

    used = re.findall(r"\b(FEEDS_[A-Z_]+)[=:]", (DEPLOY / name).read_text())

    assert used
    assert set(used) <= set(known)


def test_a_node_starts_with_the_shipped_environment(tmp_path: Path) -> None:
    lines = (DEPLOY / "tributary.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    environment = read_environment(given | {"FEEDS_CONTENT_DIR": str(tmp_path), "PORT": "8001"})

    assert environment.cache_url.startswith("redis://")
    assert environment.host == "10.20.0.11"


def test_the_container_image_has_the_copied_files_and_starts_the_server() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [shlex.split(line)[1] for line in lines if line.startswith("COPY")]
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert copied == ["requirements.lock", "app.py", "feeds"]
    assert [
        name for name in copied if not (ROOT / name).exists() or f"!{name}" not in allowed
    ] == []
    assert lines[-1] == 'CMD ["flask", "--app", "app", "serve"]'
