"""Logging: plain lines for people, or one JSON object per line for programs."""

import json
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger(__name__)

#: The attributes of every record; all others were passed as ``extra``.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class JsonFormatter(logging.Formatter):
    """A formatter that writes records as JSON: the standard fields and those of ``extra``.

    A traceback is one text in ``exception``: every record takes exactly one line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object without line breaks, in ASCII."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        return json.dumps(extra | fields, default=str)


class LogThrottle:
    """A throttle for log lines that would otherwise be written for every request."""

    def __init__(self, quiet: float = 5.0) -> None:
        """Take the seconds of silence after each line; the first line is due at once."""
        self._quiet = quiet
        self._quiet_until = 0.0

    def is_due(self) -> bool:
        """Return True if a line may be logged now; then begin the next silence."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self._quiet
        return True


class LogOnce:
    """A logger of a repeated error: it logs the error once until the operation works again.

    Errors that alternate, or that come and go, are throttled: an error every second must not fill
    the disk.
    """

    #: The least time between two lines, in seconds.
    QUIET = 60.0

    def __init__(self, log: logging.Logger, what: str, is_traced: bool = False) -> None:
        """Take the log and the failing operation; ``is_traced`` adds the traceback."""
        self._log = log
        self._what = what
        self._is_traced = is_traced
        self._logged = ""
        self._throttle = LogThrottle(self.QUIET)

    def report(self, error: Exception) -> None:
        """Log an error, unless it was logged last or another one was logged a moment ago."""
        line = f"{type(error).__name__}: {error}"
        if line == self._logged or not self._throttle.is_due():
            return
        self._logged = line
        self._log.error("%s: %s", self._what, line, exc_info=error if self._is_traced else None)
        if not self._is_traced:
            self._log.debug("where it failed", exc_info=error)

    def clear(self) -> bool:
        """Record a success; return True if a failure had been logged."""
        was_logged, self._logged = bool(self._logged), ""
        return was_logged


def configuration(is_json: bool) -> dict[str, Any]:
    """Return a dictConfig with which all loggers write to standard error, from INFO on."""
    plain = {"format": "%(levelname)s %(name)s: %(message)s"}
    handler = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.JsonFormatter"} if is_json else plain},
        "handlers": {"line": handler},
        "root": {"handlers": ["line"], "level": "INFO"},
    }


def log_the_uncaught() -> None:
    """Send unhandled exceptions and warnings to the log."""
    logging.captureWarnings(True)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = _log_uncaught
    threading.excepthook = thread_hook


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("stopped by an unhandled exception", exc_info=(kind, error, trace))
