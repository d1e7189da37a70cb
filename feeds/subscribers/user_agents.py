"""What a User-Agent says of subscribers. Pure: a text in, a claim or nothing out."""

import re
from dataclasses import dataclass

#: Characters that are looked at.
LONGEST = 300

_COUNT = re.compile(r"\b([0-9]{1,8}) subscriber(?:s\b|\(s\)|\b)", re.IGNORECASE)
_ID = re.compile(r"\bfeed-?id ?[:=] ?([A-Za-z0-9_-]{1,64})", re.IGNORECASE)
#: The name that comes first, browsers' words before it left out.
_SERVICE = re.compile(
    r"(?:Mozilla/[0-9.]+ \()?(?:compatible; )?(?:https?://)?(?:www\.)?"
    r"([A-Za-z][\w.+ ]{0,39}?)(?= feed-?id| - | [0-9]|[/;:,()]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """For how many subscribers a service says that it polls."""

    #: Its name, in lower case.
    service: str
    #: Its own name for the feed; empty when it says none.
    id: str
    count: int


def claim(agent: str) -> Claim | None:
    """What a User-Agent claims; None for a reader of one person, which claims nothing."""
    agent = agent[:LONGEST]
    count = _COUNT.search(agent)
    if count is None:
        return None
    service, id = _SERVICE.match(agent), _ID.search(agent)
    name = service[1].strip().lower() if service else ""
    return Claim(name, id[1] if id else "", int(count[1]))
