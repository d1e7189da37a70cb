"""Parses ``folders:`` of site.yml, the folders that hold articles of other programs."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from feeds.articles.generator_fields import SYNONYMS
from feeds.articles.generator_links import compiled
from feeds.articles.publication import folded
from feeds.articles.site_config_values import SiteFile
from feeds.articles.text import bare
from feeds.articles.yaml_tree import Node
from feeds.settings import DeclaredFolder

#: The keys of an entry.
FOLDER_KEYS = frozenset(("folder", "link", "keys", "zone", "language", "provider", "id"))

#: Keys whose values, and all that is inside them, no declaration can publish.
_NEVER_PUBLISHED = frozenset(("secured", "password"))


def declared_folders(file: SiteFile, keys: dict[str, Node]) -> tuple[DeclaredFolder, ...]:
    """Return the declared folders, the innermost before those around it."""
    found: dict[str, DeclaredFolder] = {}
    for item in file.items(keys, "folders"):
        declared = _declared(file, item)
        if declared.folder in found:
            message = f"{declared.folder or '.'} is declared twice: remove one of the two"
            raise file.wrong(item, "folder", message)
        found[declared.folder] = declared
    return tuple(sorted(found.values(), key=lambda each: -len(each.folder)))


def _declared(file: SiteFile, item: Node) -> DeclaredFolder:
    keys = file.mapping(item, "folders", FOLDER_KEYS)
    file.needed(item, keys, "folder")
    own_id = file.text(keys, "id")
    if own_id not in ("", "link"):
        raise file.wrong(keys["id"], "id", "write link, or remove the key")
    return DeclaredFolder(
        folder=_folder(file, keys),
        link=_link(file, item, keys),
        keys=dict(_own_keys(file, keys)),
        zone=_zone(file, keys),
        language=file.language(keys, "language") if file.text(keys, "language") else "",
        provider=file.text(keys, "provider"),
        has_link_ids=own_id == "link",
    )


def _folder(file: SiteFile, keys: dict[str, Node]) -> str:
    """Return the path of a folder below the content folder; empty for all of it."""
    text = file.text(keys, "folder").rstrip("/")
    if text == ".":
        return ""
    parts = text.removeprefix("./").split("/")
    if any(not part or part.startswith(".") for part in parts):
        message = "not a folder below the content folder: write its path, or . for all of it"
        raise file.wrong(keys["folder"], "folder", message)
    if any(bare(part) in ("drafts", "_drafts") for part in parts):
        raise file.wrong(keys["folder"], "folder", "a folder of drafts, which are never served")
    return "/".join(parts)


def _link(file: SiteFile, item: Node, keys: dict[str, Node]) -> str:
    text = file.needed(item, keys, "link")
    try:
        compiled(text)
    except ValueError as error:
        raise file.wrong(keys["link"], "link", str(error)) from None
    return text


def _own_keys(file: SiteFile, keys: dict[str, Node]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for field, node in file.mapping(keys.get("keys"), "keys", frozenset(SYNONYMS)).items():
        named = {field: node}
        is_list = not isinstance(node.value, str)
        names = file.texts(named, field) if is_list else (file.text(named, field),)
        if not all(names):
            raise file.wrong(node, field, "an empty name: write the name of a key")
        for name in names:
            if folded(name.partition(".")[0]) in _NEVER_PUBLISHED:
                message = f"{name.partition('.')[0]} is never published: write another key"
                raise file.wrong(node, field, message)
        yield field, names


def _zone(file: SiteFile, keys: dict[str, Node]) -> str | None:
    text = file.text(keys, "zone")
    try:
        return ZoneInfo(text).key if text else None
    except (KeyError, OSError, ValueError):
        message = "not a time zone: write it like Europe/Berlin or UTC"
        raise file.wrong(keys["zone"], "zone", message) from None
