"""Tests of the environment variables: checked before the server starts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import SettingsError
from feeds.settings import checked_url, read_environment

#: Wrong variables, and the text that the error must contain.
WRONG = [
    ("FEEDS_CONTENT_DIR", "/no/such/folder"),
    ("FEEDS_CONTENT_DIR", __file__),
    ("FEEDS_URL", "feeds.example.org"),
    ("FEEDS_URL", "ftp://feeds.example.org"),
    ("FEEDS_URL", "https://"),
    ("FEEDS_URL", "https:///path"),
    ("FEEDS_URL", "https://[::1"),
    ("FEEDS_URL", "https://host:port"),
    ("FEEDS_URL", "https://host:99999"),
    ("FEEDS_URL", "https://user:password@host"),
    ("FEEDS_URL", "https://host?"),
    ("FEEDS_URL", "https://host/?query"),
    ("FEEDS_URL", "https://host/#"),
    ("FEEDS_URL", "https://host/#part"),
    ("FEEDS_URL", "https://a host/"),
    ("FEEDS_URL", "https://host/\n"),
    ("FEEDS_URL", "https://h öst/"),
    ("FEEDS_URL", "https://h\u2100st/"),
    ("FEEDS_URL", "https://\udcff/"),
    ("FEEDS_URL", "https://host//news"),
    ("FEEDS_URL", "https://host/a/../b"),
    ("FEEDS_URL", "https://host/./b"),
    ("FEEDS_URL", 'https://host/">'),
    ("FEEDS_WATCH", "no"),
    ("FEEDS_LOG", "yaml"),
    ("FEEDS_OPERATOR_TOKEN", "too-short"),
    ("FEEDS_OPERATOR_TOKEN", "with a blank in it"),
    ("FEEDS_WORKERS", "0"),
    ("FEEDS_WORKERS", "65"),
    ("FEEDS_WORKERS", "two"),
    ("FEEDS_WORKERS", "-1"),
    ("FEEDS_WORKERS", "²"),
    ("FEEDS_WORKERS", "1" * 5000),
    ("HOST", "localhost"),
    ("HOST", "[::1]"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "80a"),
]


@pytest.fixture
def there(tmp_path: Path) -> dict[str, str]:
    """Return the required variables."""
    return {"FEEDS_CONTENT_DIR": str(tmp_path)}


def test_without_variables_all_folders_are_in_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path)
    found = read_environment({})
    assert found.content == tmp_path / "content"
    assert found.instance == tmp_path / "instance"
    assert (found.url, found.cache_url, found.poll) == ("", "", False)
    assert (found.workers, found.host, found.port) == (1, "127.0.0.1", 8000)


def test_an_empty_variable_is_the_same_as_none(there: dict[str, str]) -> None:
    names = ("FEEDS_INSTANCE_DIR", "FEEDS_URL", "FEEDS_CACHE_URL", "FEEDS_WATCH", "FEEDS_WORKERS")
    empty = dict.fromkeys((*names, "HOST", "PORT"), "")
    assert read_environment(there | empty) == read_environment(there)


def test_each_environment_variable_takes_effect(there: dict[str, str], tmp_path: Path) -> None:
    found = read_environment(
        there
        | {
            "FEEDS_INSTANCE_DIR": str(tmp_path / "state"),
            "FEEDS_URL": "https://feeds.example.org/news/",
            "FEEDS_CACHE_URL": "redis://cache",
            "FEEDS_WATCH": "poll",
            "FEEDS_WORKERS": "64",
            "HOST": "0.0.0.0",
            "PORT": "65535",
        }
    )
    assert found.instance == tmp_path / "state"
    assert found.url == "https://feeds.example.org/news"
    assert found.cache_url == "redis://cache"
    assert found.poll
    assert (found.workers, found.host, found.port) == (64, "0.0.0.0", 65535)


def test_events_are_watched_if_configured(there: dict[str, str]) -> None:
    assert not read_environment(there | {"FEEDS_WATCH": "events"}).poll


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_variable_is_named(there: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_environment(there | {name: value})
    assert str(error.value).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FEEDS_CONTENT", "FEEDS_CONTENT_DIR"),
        ("FEEDS_WORKER", "FEEDS_WORKERS"),
        ("FEEDS_MEMORY", "FEEDS_MEMORY_MB"),
        ("FEEDS_CACHEURL", "FEEDS_CACHE_URL"),
        ("FEEDS_url", "FEEDS_URL"),
    ],
)
@pytest.mark.parametrize("value", ["", "x"])
def test_an_unknown_variable_of_the_server_is_named_with_the_nearest_known_one(
    there: dict[str, str], name: str, meant: str, value: str
) -> None:
    with pytest.raises(SettingsError) as error:
        read_environment(there | {name: value})
    assert str(error.value) == f"{name}: unknown variable: remove it, or write {meant}"


def test_an_unknown_variable_that_is_near_none_is_named_with_all(there: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        read_environment(there | {"FEEDS_ZZZ": "secret"})
    assert str(error.value) == (
        "FEEDS_ZZZ: unknown variable: remove it, or write one of FEEDS_CACHE_URL, "
        "FEEDS_CONTENT_DIR, FEEDS_INSTANCE_DIR, FEEDS_LOG, FEEDS_MEMORY_MB, FEEDS_OPERATOR_TOKEN, "
        "FEEDS_URL, FEEDS_WATCH, FEEDS_WORKERS"
    )


def test_variables_of_other_programs_are_ignored(there: dict[str, str]) -> None:
    others = {"FEED_URL": "x", "OTHER_FEEDS_URL": "x", "feeds_url": "x", "FLASK_DEBUG": "0"}
    assert read_environment(there | others) == read_environment(there)


def test_a_folder_that_is_a_link_is_not_resolved(there: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "release-1").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "release-1")
    found = read_environment({"FEEDS_CONTENT_DIR": str(tmp_path / "current")})
    assert found.content == tmp_path / "current"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_own_url_contains_the_host_and_the_port(
    there: dict[str, str], host: str, expected: str
) -> None:
    assert read_environment(there | {"HOST": host}).own_url == expected


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "https://[::1]:80/a/b", "https://host/~me/%C3%A9"]
)
def test_a_normalized_url_is_unchanged(url: str) -> None:
    assert checked_url(url, "url") == checked_url(f"{url}/", "url") == url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Bücher.example/", "https://xn--bcher-kva.example"),
        ("https://BU\u0308CHER.example:443", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        (
            "http://日本語。example:8000/ニュース/",
            "http://xn--wgv71a119e.example:8000/%E3%83%8B%E3%83%A5%E3%83%BC%E3%82%B9",
        ),
    ],
)
def test_a_url_in_any_script_is_converted_to_ascii(url: str, expected: str) -> None:
    assert checked_url(url, "url") == expected


@given(st.text() | st.text().map("https://".__add__))
def test_any_text_is_checked_as_a_url_without_an_exception(text: str) -> None:
    try:
        found = checked_url(text, "url")
    except SettingsError:
        found = ""
    assert found == "" or found.startswith(("http://", "https://"), 0)
    assert found.isascii()
