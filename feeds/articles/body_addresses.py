"""Makes the addresses in a body absolute: of links, own images, late-loaded ones."""

from collections.abc import Callable
from dataclasses import dataclass

from feeds.articles.images import PICTURES
from feeds.articles.links import clean_url, site_url
from feeds.articles.markdown import LINE

Attributes = dict[str, str | None]

#: Attributes from which scripts of pages load images and frames late, the likeliest first.
_LATE = ("data-src", "data-lazy-src", "data-original", "data-lazy")


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a body is written for."""

    #: Relative addresses are relative to it.
    base: str
    #: The address of the site whose images ``has_image`` knows.
    site: str = ""
    has_image: Callable[[str], bool] = lambda url: False
    #: Receives what was removed, with the line of the file where it stands.
    note: Callable[[str, str], None] = lambda line, what: None
    #: The address of the image that is shown before the body.
    lead: str = ""

    def address(self, raw: str | None) -> str | None:
        """Return the absolute address of a link; None if it is unusable."""
        return clean_url(raw or "", self.base)

    def image(self, raw: str | None) -> str | None:
        """Return the absolute address of an image: one of the site's own if it has that."""
        if raw and PICTURES in raw:
            own = site_url(raw, self.site)
            if own and self.has_image(own):
                return own
        return self.address(raw)

    def lost(self, attributes: Attributes, what: str) -> None:
        """Note that an element is removed that a reader would miss."""
        self.note(attributes.get(LINE) or "", what)


def late_addresses(attributes: Attributes) -> list[str]:
    """Return the addresses of an image or a frame that a script of its page would load."""
    return [found for name in _LATE if (found := attributes.get(name))]
