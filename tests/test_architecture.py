"""Tests of the floor plan: which room imports which, and how long a function may be."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "feeds").rglob("*.py"))

#: The doors that are folders.
FOLDERS = (
    "languages",
    "articles",
    "index",
    "sync",
    "formats",
    "metrics",
    "subscribers",
    "websub",
    "web",
    "server",
    "cli",
)

#: For each room, the rooms that its modules may import; a room may always import itself.
#: A folder is a door: other rooms import only its `__init__`, see the test below.
#: The order is that of README: a room imports only rooms above it.
PLAN = {
    "model": set(),
    "errors": {"model"},
    "host_names": set(),
    "plain_text": set(),
    "languages": set(),
    "moved_addresses": {"model"},
    "settings": {"errors", "host_names", "model", "moved_addresses"},
    "slugs": set(),
    "urls": {"host_names", "model", "slugs"},
    "folded_words": set(),
    "mixes": {"languages", "urls"},
    "searches": {"languages", "folded_words"},
    "logs": set(),
    "locks": set(),
    "sqlite": {"errors", "locks"},
    "articles": {
        "errors", "host_names", "model", "moved_addresses", "plain_text", "settings", "slugs",
        "urls",
    },
    "index": {"articles", "errors", "locks", "model", "sqlite", "folded_words"},
    "image_sizes": {"articles", "errors", "index", "locks", "logs", "model", "sqlite"},
    "sync": {
        "articles", "errors", "image_sizes", "index", "locks", "logs", "model", "settings",
        "sqlite", "urls",
    },
    "membership": {"model", "settings", "urls"},
    "feed_info": {"errors", "index", "languages", "model", "settings", "urls"},
    "custom_feeds": {
        "errors", "feed_info", "index", "languages", "mixes", "model", "searches", "urls",
    },
    "selection": {"index", "model"},
    "catalog": {
        "custom_feeds", "errors", "feed_info", "index", "model", "selection", "settings", "sync",
        "urls",
    },
    "formats": {"languages", "model", "plain_text"},
    "encoded_bodies": set(),
    "documents": {"encoded_bodies"},
    "document_memory": {"documents"},
    "cache": {"errors"},
    "deltas": {"cache", "encoded_bodies", "index", "model", "selection", "urls"},
    "metrics": {"errors", "logs", "sqlite"},
    "subscribers": {"errors", "logs", "metrics", "sqlite", "urls"},
    "publisher": {
        "cache", "document_memory", "documents", "encoded_bodies", "errors", "logs", "metrics",
    },
    "http_client": set(),
    "doctor_findings": {"model"},
    "image_probe": {"http_client"},
    "link_check": {"http_client"},
    "websub": {
        "cache", "catalog", "errors", "formats", "http_client", "index", "locks", "logs", "model",
        "sqlite", "sync",
    },
    "web": {
        "catalog", "deltas", "documents", "encoded_bodies", "errors", "feed_info", "formats",
        "languages", "logs", "metrics", "mixes", "model", "moved_addresses", "plain_text",
        "publisher", "searches", "selection", "subscribers", "sync", "urls", "websub",
    },
    "managed_directory": {"errors", "locks"},
    "export": {"errors", "managed_directory"},
    "periodic_thread": {"logs"},
    "server": {"errors", "logs", "settings", "sync", "web", "websub"},
    "cli": {
        "catalog", "doctor_findings", "errors", "export", "host_names", "http_client",
        "image_probe", "image_sizes", "index", "link_check", "managed_directory", "model",
        "server", "settings", "subscribers", "sync", "urls", "web", "websub",
    },
}  # fmt: skip

#: The rooms that may import each outside library.
DOORS = {
    "babel": {"languages"},
    "yaml": {"articles"},
    "sqlite3": {"image_sizes", "index", "sqlite", "subscribers", "sync"},
    "prometheus_client": {"metrics"},
    "inotify_simple": {"sync"},
    "nh3": {"articles"},
    "ftfy": {"articles"},
    "markdown_it": {"articles"},
    "mdit_py_plugins": {"articles"},
    "selectolax": {"articles", "plain_text"},
    "ada_url": {"articles"},
    "regex": {"plain_text"},
    "feedgen": {"formats"},
    "lxml": {"formats"},
    "idna": {"host_names"},
    "cachelib": {"cache"},
    "redis": {"cache"},
    "brotli": {"encoded_bodies"},
    "zstandard": {"encoded_bodies"},
    "werkzeug": {"web"},
    "flask": {"cli", "web"},
    "a2wsgi": {"server"},
    "httptools": {"server"},
    "uvicorn": {"server"},
}


def room(module: Path) -> str:
    return module.relative_to(ROOT / "feeds").parts[0].removesuffix(".py")


@cache
def imports(module: Path) -> set[str]:
    """Return the full names of all imports of a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", MODULES[1:], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_imports_only_the_rooms_that_the_plan_allows(module: Path) -> None:
    known = {name.split(".")[1] for name in imports(module) if name.startswith("feeds.")}

    assert known - {room(module)} <= PLAN[room(module)]


@pytest.mark.parametrize(
    "module", [*MODULES[1:], ROOT / "app.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_modules_import_a_folder_only_through_its_door(module: Path) -> None:
    outside = {folder for folder in FOLDERS if not module.is_relative_to(ROOT / "feeds" / folder)}

    inside = {name for name in imports(module) for folder in outside if _is_behind(name, folder)}

    assert inside == set()


def _is_behind(name: str, folder: str) -> bool:
    """Return True if an import names an object in a module of a folder."""
    return name.startswith(f"feeds.{folder}.") and name.count(".") > 2


@pytest.mark.parametrize("name", PLAN)
def test_a_room_imports_only_rooms_above_it(name: str) -> None:
    above = list(PLAN)[: list(PLAN).index(name)]

    assert PLAN[name] <= set(above)


def test_every_permission_of_the_plan_is_used() -> None:
    used: dict[str, set[str]] = {name: set() for name in PLAN}
    for module in MODULES[1:]:
        known = {name.split(".")[1] for name in imports(module) if name.startswith("feeds.")}
        used[room(module)] |= known - {room(module)}

    assert used == PLAN


def test_every_room_of_the_plan_exists() -> None:
    assert {room(module) for module in MODULES} - {"__init__"} == set(PLAN)


@pytest.mark.parametrize("library", DOORS)
def test_every_outside_library_is_imported_in_its_room_alone(library: str) -> None:
    users = {
        room(module)
        for module in MODULES
        for name in imports(module)
        if name.split(".")[0] == library
    }

    assert users == DOORS[library]


def test_one_module_opens_databases() -> None:
    """A descriptor that another module closes would drop all locks of the process on the file."""
    callers = {
        room(module)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) == "sqlite3.connect")
        or (isinstance(node, ast.ImportFrom) and node.module == "sqlite3")
    }

    assert callers == {"sqlite"}


def test_only_the_app_reads_the_environment() -> None:
    readers = [m for m in MODULES if "os.environ" in m.read_text() or "getenv" in m.read_text()]

    assert readers == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_longer_than_a_screen(module: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]

    assert [f.name for f in functions if _lines(f) > 40] == []


def _lines(function: ast.FunctionDef) -> int:
    """Return the number of lines of a function without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    end = first.end_lineno if documented and first.end_lineno else function.lineno - 1
    return (function.end_lineno or 0) - end
