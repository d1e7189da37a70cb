"""Tests of the log of periodic failures: each is logged once until the work succeeds again."""

import logging
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from feeds.image_sizes import known_facts
from feeds.logs import LogOnce, LogThrottle
from feeds.periodic_thread import PeriodicThread
from feeds.subscribers.counting import Subscribers
from tests.waiting import wait_for


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.ERROR) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def test_a_task_that_fails_each_time_is_logged_once_with_its_traceback_until_it_succeeds(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.periodic_thread.INTERVAL", 0.001)
    caplog.set_level(logging.INFO)
    calls, is_broken = 0, threading.Event()
    is_broken.set()

    def work() -> None:
        nonlocal calls
        calls += 1
        if is_broken.is_set():
            raise KeyError("a fault of ours")

    thread = PeriodicThread(work)
    thread.start()
    assert wait_for(lambda: calls > 200)
    what = "counting failed, trying again every second"
    assert lines(caplog) == [f"{what}: KeyError: 'a fault of ours'"]
    assert caplog.text.count("Traceback") == 1

    is_broken.clear()
    assert wait_for(lambda: "counting works again" in caplog.text)
    thread.stop()


def test_a_task_that_fails_stops_no_other(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.periodic_thread.INTERVAL", 0.001)
    count = 0

    def fails() -> None:
        raise KeyError("first")

    def fails_too() -> None:
        raise KeyError("second")

    def works() -> None:
        nonlocal count
        count += 1

    thread = PeriodicThread(fails, fails_too, works)
    thread.start()
    assert wait_for(lambda: count > 10)
    thread.stop()

    assert [line.rpartition(" ")[2] for line in lines(caplog)] == ["'first'", "'second'"]


def test_errors_that_alternate_or_come_and_go_are_logged_once_in_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogOnce, "QUIET", 0.5)
    caplog.set_level(logging.ERROR)
    trouble = LogOnce(logging.getLogger("feeds"), "it failed")
    began = time.monotonic()

    for number in range(10_000):
        trouble.report(OSError(f"error {number}"))
        trouble.clear()
    trouble.report(OSError("the last"))
    seconds = time.monotonic() - began

    assert len(lines(caplog)) <= seconds / 0.5 + 1

    def is_logged() -> bool:
        trouble.report(OSError("the last"))
        return "the last" in caplog.text

    assert wait_for(is_logged)


def test_a_recovery_is_logged_only_after_a_logged_failure() -> None:
    trouble = LogOnce(logging.getLogger("feeds"), "it failed")
    trouble.report(OSError("first"))

    assert trouble.clear()
    trouble.report(OSError("second, a moment later"))
    assert not trouble.clear()


def test_a_file_that_all_images_of_a_refresh_need_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test may have logged just before.
    monkeypatch.setattr("feeds.image_sizes._throttle", LogThrottle())
    store = tmp_path / "pictures.sqlite"
    sqlite3.connect(store).close()
    store.write_bytes(b"no database" * 100)

    for number in range(100):
        known_facts(store, f"https://images.example.com/{number}.png")

    assert len(lines(caplog, logging.WARNING)) == 1


def test_subscribers_that_cannot_be_read_are_logged_once_for_many_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "subscribers.sqlite").mkdir()
    subscribers = Subscribers(tmp_path / "subscribers.sqlite")

    found = [subscribers.days() for _ in range(100)]

    assert found == [[]] * 100
    assert len(lines(caplog)) == 1
