"""Reads the tables of a definition: how their rows belong to a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jdedwards.composed.definition import Link, Source
from tap_jdedwards.composed.properties import Checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_jdedwards.dictionary import Dictionary

_ENTRIES = {"table", "key", "join", "where", "take", "live", "daily", "required", "effective", "on_change"}
_ANY = "any"
_ON_CHANGE = {"emit": True, "ignore": False}


class SourceParser(Checked):
    """Reads the tables of one stream."""

    def __init__(self, stream: str, dictionary: Dictionary, root: str, key: Mapping[str, str]) -> None:
        super().__init__(stream)
        self._dictionary = dictionary
        self._root = root
        self._key = tuple(key.values())

    def parse(self, tables: Mapping[str, Any]) -> dict[str, Source]:
        """Read all tables.

        Args:
            tables: What the definition says of each.

        Returns:
            Sources by name, the root first, the others in the order of the definition.

        Raises:
            DefinitionError: When it says something impossible.
        """
        if self._root not in tables:
            raise self.error(f"the root {self._root} is not among its tables")
        found: dict[str, Source] = {}
        for name in [self._root, *(name for name in tables if name != self._root)]:
            found[name] = self._source(name, tables[name] or {}, found)
        return found

    def _source(self, name: str, given: Any, earlier: Mapping[str, Source]) -> Source:
        what = f"table {name}"
        entry = self.shape(given, what, set(), _ENTRIES)
        table = str(entry.get("table", name))
        known = self._dictionary.tables.get(table)
        if known is None and "key" not in entry:
            raise self.error(
                f"table {table} is not in the dictionary of the tap: state its primary key, like key: [AN8]"
            )
        key = tuple(self.names(entry["key"], f"`key` of {name}")) if "key" in entry else known.key if known else ()
        on, link = self._join(name, entry.get("join"), earlier)
        is_root = name == self._root
        required = self._required(name, entry.get("required", is_root), link)
        for word in ("live", "daily"):
            if word == "live" and word in entry and not is_root:
                raise self.error(f"only the root {self._root} can say what is live, not table {name}")
            if word == "daily" and word in entry and link is not None:
                raise self.error(f"`daily` of {name} is not possible: its rows are looked up for documents")
        on_change = entry.get("on_change", "emit")
        if on_change not in _ON_CHANGE:
            raise self.error(f"`on_change` of {name} must be emit or ignore, not {on_change!r}")
        if is_root and on_change != "emit":
            raise self.error(f"a change of the root {name} always emits its document")
        effective = entry.get("effective")
        if effective is not None and not isinstance(effective, str):
            raise self.error(f"`effective` of {name} must be an alias")
        return Source(
            name=name,
            table=table,
            key=key,
            time=known.time if known else None,
            known=known is not None,
            on=on,
            link=link,
            where=self.tests(entry.get("where", {}), f"`where` of {name}"),
            take=self.tests(entry.get("take", {}), f"`take` of {name}"),
            live=self.tests(entry.get("live", {}), f"`live` of {name}"),
            daily=self.tests(entry.get("daily", {}), f"`daily` of {name}"),
            required=required is True,
            alternative=required == _ANY,
            emits=_ON_CHANGE[on_change],
            effective=effective,
        )

    def _required(self, name: str, required: Any, link: Link | None) -> bool | str:
        if not isinstance(required, bool) and required != _ANY:
            raise self.error(f"`required` of {name} must be true, false or {_ANY}")
        if required == _ANY and name == self._root:
            raise self.error(f"there is no document without a row of the root {name}: it cannot be `required: {_ANY}`")
        if required == _ANY and link is not None:
            raise self.error(f"`required: {_ANY}` of {name} is not possible: its rows are looked up for documents")
        return bool(required) if isinstance(required, bool) else _ANY

    def _join(self, name: str, join: Any, earlier: Mapping[str, Source]) -> tuple[tuple[str, ...], Link | None]:
        if name == self._root:
            if join is not None and join != list(self._key):
                raise self.error(f"the root {name} needs no `join`")
            return self._key, None
        if isinstance(join, dict):
            return self._linked(name, self.mapping(join, f"`join` of {name}"), earlier)
        on = tuple(join) if isinstance(join, list) else ()
        if not on or on != self._key[: len(on)]:
            raise self.error(
                f"table {name} must `join` the first columns of the key ({', '.join(self._key)}), or by a mapping of "
                "its own columns to TABLE.ALIAS of a table before it"
            )
        return on, None

    def _linked(
        self, name: str, join: dict[str, Any], earlier: Mapping[str, Source]
    ) -> tuple[tuple[str, ...], Link | None]:
        targets = [str(target).partition(".") for target in join.values()]
        parents = {parent for parent, _, _ in targets}
        if not join or len(parents) > 1 or not all(alias for _, _, alias in targets):
            raise self.error(f"`join` of {name} must map its own columns to TABLE.ALIAS of one table")
        (parent,) = parents
        if parent not in earlier:
            there = ", ".join(earlier)
            raise self.error(f"`join` of {name} goes to {parent}, which is not among the tables before it ({there})")
        own, theirs = tuple(join), tuple(alias for _, _, alias in targets)
        if parent == self._root and theirs == self._key[: len(theirs)]:
            return own, None
        return (), Link(parent, own, theirs)
