"""What can go wrong, by name. Messages never quote the text of an article: it may be secret."""

from enum import StrEnum

from feeds.model import FeedId


class Reason(StrEnum):
    """Why a file is not served, for people and for programs."""

    YAML_SYNTAX = "yaml-syntax"
    YAML_ALIAS = "yaml-alias"
    YAML_DEPTH = "yaml-depth"
    YAML_TAG = "yaml-tag"
    YAML_DUPLICATE_KEY = "yaml-duplicate-key"
    YAML_KEY = "yaml-key"
    YAML_MULTI = "yaml-multi"
    NOT_A_MAPPING = "not-a-mapping"
    NO_FRONT_MATTER = "no-front-matter"
    TOO_LARGE = "too-large"
    TOO_COMPLEX = "too-complex"
    BAD_ENCODING = "bad-encoding"
    BAD_TYPE = "bad-type"
    MISSING_FIELD = "missing-field"
    EMPTY_TITLE = "empty-title"
    BAD_URL = "bad-url"
    BAD_DATE = "bad-date"
    BAD_PUBLISHED = "bad-published"
    BAD_NAME = "bad-name"
    OUTSIDE = "outside"
    NOT_A_FILE = "not-a-file"
    UNREADABLE = "unreadable"
    COLLISION = "collision"
    FAULT = "fault"
    DRAFT = "draft"
    EMBARGOED = "embargoed"
    WITHDRAWN = "withdrawn"
    NOT_AN_ARTICLE = "not-an-article"

    @property
    def is_deliberate(self) -> bool:
        """Whether somebody wanted it so: such a file is ignored, any other is rejected."""
        return self in _DELIBERATE


_DELIBERATE = {Reason.DRAFT, Reason.EMBARGOED, Reason.WITHDRAWN, Reason.NOT_AN_ARTICLE}


class TributaryError(Exception):
    """The root of all errors that this package raises on purpose."""


class ArticleError(TributaryError):
    """One file cannot be served; the text says why and what to do."""

    def __init__(
        self, reason: Reason, message: str, line: int | None = None, key: str | None = None
    ) -> None:
        """Keep the reason, the line (from 1) and the key for a report."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.line = line
        self.key = key
        #: When the file is to be read again, because a date in it is reached: seconds UTC.
        self.due: int | None = None
        #: The date that withdrew the article, when that was its expiry: seconds UTC.
        self.expired: int | None = None
        #: What hides the article of a file that cannot be parsed.
        self.hidden: ArticleError | None = None


class Embargoed(ArticleError):
    """The file is served later."""

    def __init__(self, message: str, line: int | None, key: str, due: int) -> None:
        """Keep the moment, in seconds UTC, from which on it is served."""
        super().__init__(Reason.EMBARGOED, message, line, key)
        self.due = due


class SettingsError(TributaryError):
    """The server is not set up right and refuses to start; the text says what to do."""


class UnknownFeed(TributaryError):
    """No such feed: 404."""


class RetiredFeed(TributaryError):
    """The feed is gone for good: 410."""


class MovedFeed(TributaryError):
    """The feed is known under another address: 301."""

    def __init__(self, feed: FeedId) -> None:
        """Keep the name under which the feed, or its archive, is served."""
        super().__init__(feed.path)
        self.feed = feed


class IndexUnavailable(TributaryError):
    """The index cannot be read or written now; the message says why."""


class StoreUnavailable(TributaryError):
    """A small database cannot be read or written now; the message says which and why."""


class WrongFile(StoreUnavailable):
    """A database file is of a newer version or of another program: it is left alone."""


class ContentMismatch(TributaryError):
    """Stored content does not match its hash."""


class OutOfDate(TributaryError):
    """An article changed between selecting and reading it: select again."""


class NoDelta(TributaryError):
    """Nothing shorter than the whole document can be told to who has an earlier one."""


class ExportError(TributaryError):
    """The site cannot be written as files; the message says why and what to do."""
