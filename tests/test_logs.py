"""Tests of the log, for people and for programs."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.logs import JsonFormatter, configuration, log_the_uncaught
from tests.conftest import Content, Site
from tests.live_servers import serving, started, workers


def formatted(message: object, *arguments: object, **more: Any) -> Any:
    record = logging.getLogger("feeds.x").makeRecord(
        "feeds.x", logging.ERROR, "", 0, message, arguments, **({"exc_info": None} | more)
    )
    record.created = 1_795_176_000.25
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    return json.loads(line)


def test_a_line_is_an_object_with_time_level_logger_process_and_message() -> None:
    assert formatted("%s is %d", "a\nb", 3) == {
        "time": "2026-11-20T12:00:00.250+00:00",
        "level": "ERROR",
        "logger": "feeds.x",
        "process": os.getpid(),
        "message": "a\nb is 3",
    }


def test_a_traceback_is_one_text() -> None:
    try:
        raise ValueError("\ud800 of no use")
    except ValueError:
        found = formatted("failed", exc_info=sys.exc_info())

    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert "of no use" in found["exception"]


def test_additional_values_of_a_log_record_become_fields() -> None:
    found = formatted("failed", extra={"feed": "all", "folder": Path("/x")})

    assert (found["feed"], found["folder"]) == ("all", "/x")


@pytest.fixture
def hooked() -> Iterator[None]:
    hooks = sys.excepthook, threading.excepthook
    log_the_uncaught()
    yield
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.usefixtures("hooked")
def test_an_unhandled_exception_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for error in (ValueError("in a thread"), SystemExit()):
        thread = threading.Thread(target=fail, args=(error,))
        thread.start()
        thread.join()
    sys.excepthook(ValueError, ValueError("in the process"), None)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("of something", stacklevel=1)

    assert "in a thread" in caplog.text
    assert "SystemExit" not in caplog.text
    assert "in the process" in caplog.text
    assert "of something" in caplog.text


@pytest.mark.usefixtures("hooked")
def test_ctrl_c_ends_a_command_as_python_does(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert caplog.text == ""
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_plain_lines_have_the_usual_format() -> None:
    assert configuration(False)["formatters"]["line"] == {
        "format": "%(levelname)s %(name)s: %(message)s"
    }


def test_a_server_prints_only_json_if_configured(content: Content, tmp_path: Path) -> None:
    content.write("a.md")
    content.raw("broken.md", "---\ntitle: [\n---\n")
    lines = output_of_a_server(content, tmp_path, FEEDS_LOG="json")

    found = [json.loads(line) for line in lines]

    assert {"time", "level", "logger", "process", "message"} <= set.intersection(*map(set, found))
    assert any("broken.md:" in line["message"] for line in found)
    assert any("serving" in line["message"] for line in found)
    # The parent process logs the death of the killed worker.
    assert any(line["logger"] == "uvicorn.error" and "died" in line["message"] for line in found)
    assert not any("127.0.0.1 " in line["message"] for line in found)


def test_a_server_prints_plain_lines_by_default(content: Content, tmp_path: Path) -> None:
    content.write("a.md")
    lines = output_of_a_server(content, tmp_path)

    assert {line.split(" ", 2)[0] for line in lines} <= {"INFO", "WARNING", "ERROR"}


def test_a_server_names_the_address_that_readers_use(content: Content, tmp_path: Path) -> None:
    lines = output_of_a_server(content, tmp_path, FEEDS_URL="https://feeds.example.org")

    found = [line for line in lines if f"serving {content.folder} at http://127.0.0.1:" in line]
    assert len(found) == 1
    assert found[0].endswith("/; readers use https://feeds.example.org/ (Ctrl-C to stop)")
    assert not any("for trying out" in line for line in lines)


def test_a_port_in_use_is_reported_in_one_line(content: Content, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(
            content.folder, tmp_path / "instance", output=subprocess.PIPE, PORT=str(port)
        ) as server:
            printed = server.printed()

    where = f"cannot listen at http://127.0.0.1:{port}"
    assert printed == f"Error: HOST, PORT: {where}: Address already in use: name another\n"
    assert server.process.returncode == 1


def test_a_process_with_other_settings_is_refused_the_instance_folder(
    content: Content, tmp_path: Path
) -> None:
    instance = tmp_path / "instance"
    with (
        serving(content.folder, instance, FEEDS_URL="https://a.example"),
        started(
            content.folder, instance, output=subprocess.PIPE, FEEDS_URL="https://b.example"
        ) as second,
    ):
        printed = second.printed()

    where = f"FEEDS_INSTANCE_DIR: {instance}: in use by a server with other settings (FEEDS_URL)"
    assert printed == f"Error: {where}: name another folder, or stop that server\n"


def test_a_refresh_and_a_start_log_the_served_articles(
    content: Content, open_site: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    content.write("a.md")
    content.write("b.md", published=False)
    open_site().sync.refresh()
    open_site().sync.refresh()

    printed = "articles served: 1; files not served: 1 draft"
    assert [record.getMessage() for record in caplog.records] == [
        f"files read: 2, gone: 0; {printed}",
        f"files read: 0, gone: 0; {printed}",
    ]


def output_of_a_server(content: Content, tmp_path: Path, **environ: str) -> list[str]:
    """Return all lines of a server that responded, lost a worker and was stopped."""
    with started(
        content.folder, tmp_path / "instance", output=subprocess.PIPE, **environ
    ) as server:
        server.wait()
        urllib.request.urlopen(f"{server.address}/all.rss", timeout=20).close()
        os.kill(workers(server.process.pid)[0], signal.SIGKILL)
        server.wait()
        server.process.terminate()
        return server.printed().splitlines()
