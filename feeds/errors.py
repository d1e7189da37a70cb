"""The errors of this package. Messages never quote the text of an article: it may be secret."""

from enum import StrEnum

from feeds.model import FeedId


class Reason(StrEnum):
    """The reason why a file is not served, readable for people and for programs."""

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
        """Return True if the author hid the article: the file is ignored rather than rejected."""
        return self in _DELIBERATE


_DELIBERATE = {Reason.DRAFT, Reason.EMBARGOED, Reason.WITHDRAWN, Reason.NOT_AN_ARTICLE}


class TributaryError(Exception):
    """The base class of all errors that this package raises on purpose."""


class ArticleError(TributaryError):
    """A file that cannot be served; the message states the cause and the remedy."""

    def __init__(
        self, reason: Reason, message: str, line: int | None = None, key: str | None = None
    ) -> None:
        """Store the reason, the line (counted from 1) and the key for reports."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.line = line
        self.key = key
        #: When a date in the file is reached and it must be read again: seconds UTC.
        self.due: int | None = None
        #: The date of expiry that withdrew the article, if one did: seconds UTC.
        self.expired: int | None = None
        #: The reason why the article of an unparsable file is hidden; None if it is not.
        self.hidden: ArticleError | None = None


class Embargoed(ArticleError):
    """A file whose date of publication is in the future."""

    def __init__(self, message: str, line: int | None, key: str, due: int) -> None:
        """Store the moment from which the article is served, in seconds UTC."""
        super().__init__(Reason.EMBARGOED, message, line, key)
        self.due = due


class SettingsError(TributaryError):
    """A wrong setting, with which the server does not start; the message states the remedy."""


class UnknownFeed(TributaryError):
    """A feed that does not exist: 404."""


class UnknownCustomFeed(UnknownFeed):
    """A mix or a search that is not possible: 404; its message names the fault, for people."""

    def __init__(self, message: str, **values: object) -> None:
        """Store a message of the catalogs, and the values of its placeholders."""
        super().__init__(message % values)
        self.message = message
        self.values = values


class RetiredFeed(TributaryError):
    """A feed that was retired: 410."""


class MovedFeed(TributaryError):
    """A feed that is served at another address: 301."""

    def __init__(self, feed: FeedId) -> None:
        """Store the identifier under which the feed, or its archive, is served."""
        super().__init__(feed.path)
        self.feed = feed


class IndexUnavailable(TributaryError):
    """An index that cannot be read or written now; the message states the cause."""


class StoreUnavailable(TributaryError):
    """A small database that cannot be read or written now; the message names file and cause."""


class WrongFile(StoreUnavailable):
    """A database file of a newer version or of another program, which is not touched."""


class ContentMismatch(TributaryError):
    """Stored content that does not match its hash."""


class OutOfDate(TributaryError):
    """An article that changed between selecting and reading it; the caller selects again."""


class NoDelta(TributaryError):
    """A delta that would be no shorter than the full document."""


class ExportError(TributaryError):
    """A site that cannot be written as files; the message states the cause and the remedy."""
