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


class Trouble:
    """What goes wrong again and again, said once: a full disk must not be filled by it."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """Take the log and what cannot be done."""
        self._log = log
        self._what = what
        self._met = ""

    def met(self, error: Exception) -> None:
        """Log it, unless it is what was met last."""
        said = f"{type(error).__name__}: {error}"
        if said != self._met:
            self._log.error("%s: %s", self._what, said)
            self._log.debug("where it failed", exc_info=error)
        self._met = said

    def end(self) -> bool:
        """It is over; return whether there was any."""
        was_met, self._met = bool(self._met), ""
        return was_met


class Seldom:
    """Says whether it is time to say again what would be said for every request."""

    #: Seconds of silence.
    QUIET = 5.0

    def __init__(self) -> None:
        """Begin with something to say."""
        self._quiet_until = 0.0

    def is_time(self) -> bool:
        """Whether it is time; then not for a while."""
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self.QUIET
        return True


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
