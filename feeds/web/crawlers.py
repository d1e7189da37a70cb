"""Documents for crawlers and browsers: sitemap, robots.txt, OpenSearch description."""

from feeds import formats
from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.model import AiUse, FeedId, Format
from feeds.plain_text import shorten
from feeds.urls import ALL
from feeds.web.document_plans import list_plan

XML = "application/xml; charset=utf-8"
OPENSEARCH = f"{formats.SEARCH}; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


def sitemap_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/sitemap.xml``: the pages of feeds and of the months of ``/all``."""
    with catalog.snapshot():
        pages = [(feed_info.id, feed_info.newest) for feed_info in catalog.feed_infos()]
        pages += [(FeedId(ALL.path, month.name), None) for month in catalog.months(ALL)]
        urls = catalog.urls
        return list_plan(
            catalog,
            pages,
            XML,
            lambda: formats.sitemap((urls.page(id), newest) for id, newest in pages),
        )


def opensearch_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/opensearch.xml``: how browsers and readers search the site."""
    site, urls = catalog.files.site, catalog.urls
    templates = {"text/html": f"{urls.site}/?q={{searchTerms}}"}
    for format in Format:
        templates[format.media_type] = f"{urls.at('search')}/{{searchTerms}}.{format.value}"
    body = formats.opensearch(
        shorten(site.title, formats.MOST_SHORT_NAME), site.description, site.language, templates
    )
    with catalog.snapshot():
        return list_plan(catalog, body.decode(), OPENSEARCH, lambda: body)


def robots_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/robots.txt``: it excludes searches and boxes, which repeat the rest.

    Mixes are not excluded, since readers that fetch their feeds may obey it.
    """
    urls = catalog.urls
    home, boxes = urls.local(f"{urls.site}/"), urls.local(urls.at("embed/"))
    forms = urls.local(urls.at("mix"))
    refused = (f"Disallow: {path}" for path in (f"{home}?q=", boxes, f"{forms}?"))
    rules = (*refused, "Allow: /", "")
    lines = ("User-agent: *", *_content_signal(catalog.files.site.rights.ai), *rules)
    body = "\n".join((*lines, f"Sitemap: {urls.at('sitemap.xml')}\n")).encode()
    return list_plan(catalog, body.decode(), TEXT, lambda: body)


def _content_signal(ai: AiUse) -> tuple[str, ...]:
    """Return the line of robots.txt that allows or forbids uses (https://contentsignals.org)."""
    uses = {"search": ai.search, "ai-input": ai.input, "ai-train": ai.train}
    words = {True: "yes", False: "no"}
    found = [f"{use}={words[allowed]}" for use, allowed in uses.items() if allowed is not None]
    return (f"Content-Signal: {', '.join(found)}",) if found else ()
