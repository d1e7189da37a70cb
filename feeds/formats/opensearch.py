"""The OpenSearch description, with which browsers and readers search the site.

https://github.com/dewitt/opensearch/blob/master/opensearch-1-1-draft-6.md
"""

from collections.abc import Mapping

from lxml.etree import Element, SubElement, tostring

#: Its media type.
SEARCH = "application/opensearchdescription+xml"

_NAMESPACE = "http://a9.com/-/spec/opensearch/1.1/"

#: "The value must contain 16 or fewer characters of plain text."
MOST_SHORT_NAME = 16


def render(short_name: str, description: str, language: str, templates: Mapping[str, str]) -> bytes:
    """Render the description of a search with an address for each media type of its results."""
    names: dict[str | None, str] = {None: _NAMESPACE}
    root = Element(f"{{{_NAMESPACE}}}OpenSearchDescription", nsmap=names)  # type: ignore[arg-type]
    texts = {"ShortName": short_name, "Description": description, "Language": language}
    for name, text in texts.items():
        SubElement(root, f"{{{_NAMESPACE}}}{name}").text = text
    for type, template in templates.items():
        SubElement(root, f"{{{_NAMESPACE}}}Url", type=type, template=template)
    return tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
