"""Detects changes to the files of the site, which take effect only with a restart."""

import logging
from collections.abc import Collection
from pathlib import Path

from feeds.errors import ArticleError
from feeds.sync import scan

#: The files of the site, which are no articles.
SITE_FILES = ("site.yml", "topics.yml", "providers.yml")

log = logging.getLogger(__name__)


class SiteFiles:
    """Detects changes to the files of the site since this object was created."""

    def __init__(self, content: Path) -> None:
        """Read the files."""
        self._content = content
        self._found = {name: self._read(name) for name in SITE_FILES}

    def log_changes(self, paths: Collection[str]) -> None:
        """Log which of the files at or below these paths changed, each once."""
        names = self._found if "" in paths else self._found.keys() & paths
        for name in sorted(names):
            if self._read(name) != self._found[name]:
                del self._found[name]
                log.warning("%s changed: restart to apply", name)

    def _read(self, name: str) -> bytes | None:
        try:
            return scan.read(self._content, name)
        except (ArticleError, OSError):
            return None
