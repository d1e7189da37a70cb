"""The claim of a User-Agent about its subscribers. Pure: a text in, a claim or None out."""

import re
from dataclasses import dataclass

#: The characters of a User-Agent that are parsed.
LONGEST = 300

_COUNT = re.compile(r"\b([0-9]{1,8}) subscriber(?:s\b|\(s\)|\b)", re.IGNORECASE)
_ID = re.compile(r"\bfeed-?id ?[:=] ?([A-Za-z0-9_-]{1,64})", re.IGNORECASE)
#: The first name, without the tokens of browsers before it.
_SERVICE = re.compile(
    r"(?:Mozilla/[0-9.]+ \()?(?:compatible; )?(?:https?://)?(?:www\.)?"
    r"([A-Za-z][\w.+ ]{0,39}?)(?= feed-?id| - | [0-9]|[/;:,()]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a service to poll for a number of subscribers."""

    #: The name of the service in lower case.
    service: str
    #: The identifier that the service has for the feed; empty if it sends none.
    id: str
    count: int


def claim(agent: str) -> Claim | None:
    """Return the claim of a User-Agent; None for the reader of one person, which makes none."""
    agent = agent[:LONGEST]
    # A search for a number in every text would take longer.
    count = _COUNT.search(agent) if "subscriber" in agent.lower() else None
    if count is None:
        return None
    service, id = _SERVICE.match(agent), _ID.search(agent)
    name = service[1].strip().lower() if service else ""
    return Claim(name, id[1] if id else "", int(count[1]))
