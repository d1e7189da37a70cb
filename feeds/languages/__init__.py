"""The languages of pages and of texts in feeds: gettext catalogs, and dates and numbers by CLDR.

A language is one file, ``messages/<tag>.po``; the messages in the code are English. A language
without a catalog falls back to English.
"""

from feeds.languages.language import ENGLISH, Language, language, marked
from feeds.languages.translations import catalog_name

__all__ = ["ENGLISH", "Language", "catalog_name", "language", "marked"]
