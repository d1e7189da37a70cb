"""DOOR disk: reads the content folder, and keeps the index equal to it."""

from functools import partial
from pathlib import Path

from feeds.articles import parse_site_config
from feeds.settings import SiteConfig
from feeds.sync.content_sync import ContentSync
from feeds.sync.generator_report import FolderReport, folder_reports
from feeds.sync.image_files import image_type
from feeds.sync.ingest import READING_VERSION, Ingester
from feeds.sync.refresh import RefreshReport
from feeds.sync.scan import as_on_disk, read

__all__ = [
    "READING_VERSION",
    "ContentSync",
    "FolderReport",
    "Ingester",
    "RefreshReport",
    "as_on_disk",
    "folder_reports",
    "image_type",
    "read_site_config",
]


def read_site_config(content: Path, url: str, default_url: str) -> SiteConfig:
    """Return the configuration in site.yml, topics.yml and providers.yml of a content folder.

    ``url`` takes precedence over the one in site.yml; ``default_url`` is used if both are missing.
    Raise SettingsError naming file, line and key for anything unknown or wrong.
    """
    return parse_site_config(partial(read, content), url, default_url)
