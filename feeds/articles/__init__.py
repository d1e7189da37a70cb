"""Parses the bytes of a file to an Article or an error; pure, without files and clock."""

from feeds.articles.all_faults import faults
from feeds.articles.fences import MAX_FILE
from feeds.articles.file_names import (
    is_article,
    is_foreign,
    is_hidden,
    is_namable,
    join,
    split,
    storable,
    without_ending,
)
from feeds.articles.front_matter import Context, glimpse, parse
from feeds.articles.front_matter_misspellings import near_misses
from feeds.articles.generator_articles import folder_of
from feeds.articles.images import PICTURES, media_type_of
from feeds.articles.publication import name_of, refuse_path
from feeds.articles.site_config import parse_site_config

__all__ = [
    "MAX_FILE",
    "PICTURES",
    "Context",
    "faults",
    "folder_of",
    "glimpse",
    "is_article",
    "is_foreign",
    "is_hidden",
    "is_namable",
    "join",
    "media_type_of",
    "name_of",
    "near_misses",
    "parse",
    "parse_site_config",
    "refuse_path",
    "split",
    "storable",
    "without_ending",
]
