"""The sitemap for search engines, https://www.sitemaps.org/protocol.html."""

from collections.abc import Iterable
from itertools import islice

from lxml.etree import Element, SubElement, tostring

from feeds.formats.dates import rfc3339

#: "Each Sitemap file that you provide must have no more than 50,000 URLs".
MAX_URLS = 50_000

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def render(pages: Iterable[tuple[str, int | None]]) -> bytes:
    """Render pages, each with its address and the time of its last change, if known."""
    names: dict[str | None, str] = {None: _NAMESPACE}
    root = Element(f"{{{_NAMESPACE}}}urlset", nsmap=names)  # type: ignore[arg-type]
    for address, moment in islice(pages, MAX_URLS):
        url = SubElement(root, f"{{{_NAMESPACE}}}url")
        SubElement(url, f"{{{_NAMESPACE}}}loc").text = address
        if moment is not None:
            SubElement(url, f"{{{_NAMESPACE}}}lastmod").text = rfc3339(moment)
    return tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
