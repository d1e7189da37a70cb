"""How the server logs: one plain line each, or one JSON object a line for programs."""

import json
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger(__name__)

#: What every record has: anything else was given as ``extra``.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class JsonFormatter(logging.Formatter):
    """``time``, ``level``, ``logger``, ``process``, ``message``; what else the record was given.

    A traceback is one text, in ``exception``: nothing that is logged makes a second line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object without line breaks, in ASCII."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        more = {key: value for key, value in vars(record).items() if key not in _USUAL}
        return json.dumps(more | said, default=str)


class LogThrottle:
    """Says whether it is time to say again what would be said for every request."""

    def __init__(self, quiet: float = 5.0) -> None:
        """Begin with something to say; take the seconds of silence after it."""
        self._quiet = quiet
        self._quiet_until = 0.0

    def is_due(self) -> bool:
        """Whether it is time; then not for a while."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self._quiet
        return True


class LogOnce:
    """An error that is met again and again: logged once until it works again.

    Errors that alternate, or that come and go, are logged once in a while: whatever happens every
    second must not fill a disk.
    """

    #: Seconds without another line.
    QUIET = 60.0

    def __init__(self, log: logging.Logger, what: str, is_traced: bool = False) -> None:
        """Take the log and what cannot be done; ``is_traced`` logs where an error comes from."""
        self._log = log
        self._what = what
        self._is_traced = is_traced
        self._logged = ""
        self._seldom = LogThrottle(self.QUIET)

    def report(self, error: Exception) -> None:
        """Log an error, unless it is the one that was logged last or that was a moment ago."""
        line = f"{type(error).__name__}: {error}"
        if line == self._logged or not self._seldom.is_due():
            return
        self._logged = line
        self._log.error("%s: %s", self._what, line, exc_info=error if self._is_traced else None)
        if not self._is_traced:
            self._log.debug("where it failed", exc_info=error)

    def clear(self) -> bool:
        """It works; return whether the log says that it does not."""
        was_logged, self._logged = bool(self._logged), ""
        return was_logged


def configuration(is_json: bool) -> dict[str, Any]:
    """For logging.config.dictConfig: all loggers write to standard error, from INFO on."""
    plain = {"format": "%(levelname)s %(name)s: %(message)s"}
    handler = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.JsonFormatter"} if is_json else plain},
        "handlers": {"line": handler},
        "root": {"handlers": ["line"], "level": "INFO"},
        # Without this key granian adds loggers whose handlers are not there.
        "loggers": {},
    }


def log_the_uncaught() -> None:
    """Log what nobody handles, and warnings, as everything else is logged."""
    logging.captureWarnings(True)

    def thread_hook(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and not issubclass(found.exc_type, SystemExit):
            _tell(found.exc_type, found.exc_value, found.exc_traceback)

    sys.excepthook = _tell
    threading.excepthook = thread_hook


def _tell(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("stopped by what nobody handled", exc_info=(kind, error, trace))
