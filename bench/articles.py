"""Made-up articles: folders of any size, the same in each run.

They are made of the words, sizes and keys that real ones have: 2 to 5 kB, a few topics out of 200,
one of 100 providers, pictures, related links, and keys that no server may show.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

#: Articles in one folder, as sites that publish daily have them.
FOLDER = 500

_WORDS = re.findall(
    r"[a-z]+",
    """
    after against agency app approach area artificial bank based billion board budget build
    business camera capital change chip cities climate cloud code company court customer data
    deal design developer digital early energy engine europe expert face fall fund future game
    global group growth health help home image industry intelligence invest issue job language
    large launch law leader learn long machine major market medical mobile model month network
    new office online open order partner patient people phone plan platform policy power press
    price privacy problem product program public quarter question recognition regulation release
    report research result rise risk robot rule sales scale school science screen search
    security service share small software space speed staff standard start state store study
    supply support system team technology test time tool trade train travel trial union update
    user value vehicle video voice water week work world year
    """,
)

TOPICS = tuple(f"{a} {b}".title() for a in _WORDS[:20] for b in _WORDS[40:50])
PROVIDERS = tuple(f"{a}-{b}.example" for a in _WORDS[60:70] for b in _WORDS[80:90])

#: The newest article; each is some minutes older than the one before.
NEWEST = datetime(2026, 6, 30, 20, 50, tzinfo=UTC)


def write_articles(folder: Path, count: int) -> None:
    """Write so many articles below a folder, in sub-folders of limited size."""
    for number in range(count):
        path = folder / path_of(number)
        if number % FOLDER == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(article(number))


def path_of(number: int) -> str:
    """Return the path of an article below its folder."""
    return f"{number // FOLDER:04}/article-{number:06}.md"


def article(number: int, title: str = "") -> str:
    """Return the text of an article; its number determines it, but for a given title."""
    dice = Random(number)
    published = NEWEST - timedelta(minutes=7 * number)
    provider = PROVIDERS[dice.randrange(len(PROVIDERS))]
    topics = dice.sample(TOPICS, dice.randint(1, 4))
    keys = [
        f"title: {title or _sentence(dice, 9)}",
        f'excerpt: "{_sentence(dice, 40)}"',
        f"publishedDateTime: {_moment(published)}",
        f"updatedDateTime: {_moment(published + timedelta(minutes=3))}",
        f"webUrl: https://{provider}/{published:%Y/%m/%d}/article-{number}",
        f"provider:\n  name: {provider.removesuffix('.example').replace('-', ' ').title()}",
        f"  domain: {provider}\n  authors:\n  - name: {_sentence(dice, 2)}",
        "topics:",
        *(f"- {topic}" for topic in topics),
        "images:",
        *(_image(dice, provider) for _ in range(dice.randint(0, 3))),
        "related:",
        *(_related(dice) for _ in range(dice.randint(0, 5))),
        f"type: article\ncategory: article\nquality: {dice.randint(0, 100)}\nlocale: en-us",
        f"heat: {dice.randint(0, 500)}\nsecured: {dice.getrandbits(64):x}",
    ]
    paragraphs = "\n\n".join(_sentence(dice, 45) for _ in range(dice.randint(1, 4)))
    return "---\n" + "\n".join(keys) + f"\n---\n{paragraphs}\n"


def _sentence(dice: Random, words: int) -> str:
    return " ".join(dice.choices(_WORDS, k=words)).capitalize() + "."


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _image(dice: Random, provider: str) -> str:
    width, height = dice.choice(((1920, 1080), (1200, 630), (800, 600)))
    return (
        f"- url: https://img.{provider}/{dice.getrandbits(48):x}.jpg\n"
        f"  width: {width}\n  height: {height}\n  title: {_sentence(dice, 6)}"
    )


def _related(dice: Random) -> str:
    host = PROVIDERS[dice.randrange(len(PROVIDERS))]
    return (
        f"- title: {_sentence(dice, 8)}\n  webUrl: https://{host}/{dice.getrandbits(40):x}\n"
        f"  excerpt: {_sentence(dice, 15)}\n  provider:\n    domain: {host}"
    )
