"""Parses the bytes of a file to an Article or an error; pure, without files and clock."""

from feeds.articles.faults import faults
from feeds.articles.file_names import (
    is_article,
    is_hidden,
    is_namable,
    join,
    split,
    storable,
)
from feeds.articles.front_matter import MAX_FILE, Context, parse
from feeds.articles.publication import name_of, refuse_path
from feeds.articles.site_config import parse_site_config
from feeds.articles.unknown_keys import near_misses

__all__ = [
    "MAX_FILE",
    "Context",
    "faults",
    "is_article",
    "is_hidden",
    "is_namable",
    "join",
    "name_of",
    "near_misses",
    "parse",
    "parse_site_config",
    "refuse_path",
    "split",
    "storable",
]
