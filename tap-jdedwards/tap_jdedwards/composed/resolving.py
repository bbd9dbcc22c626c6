"""Settles what the columns of a definition hold: by the dictionary, by the server for what that does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_jdedwards.composed.definition import CodeText, Days, DefinitionError, Extreme, Total
from tap_jdedwards.dictionary import DATE_COLUMN, Kind, load_dictionary, time_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jde_ais import Column

    from tap_jdedwards.composed.definition import Definition, Property, Source
    from tap_jdedwards.dictionary import Dictionary

_NUMBERS = {Kind.WHOLE, Kind.NUMBER}
_ORDERED = {*_NUMBERS, Kind.DATE}


def unknown_columns(definition: Definition) -> dict[str, list[str]]:
    """List what only the server can tell.

    Args:
        definition: A definition as parsed.

    Returns:
        By table: the aliases whose kind is not known; none for a table of which the dictionary knows nothing else.
    """
    found: dict[str, list[str]] = {}
    for source in definition.sources.values():
        unknown = [alias for alias in (*definition.aliases(source), *source.columns) if alias not in definition.kinds]
        if unknown or not source.known:
            found.setdefault(source.table, []).extend(unknown)
    return found


def with_known_kinds(definition: Definition, dictionary: Dictionary) -> Definition:
    """Fill in the kinds that the dictionary knows.

    Args:
        definition: A definition as parsed.
        dictionary: Data items.

    Returns:
        The same with kinds.
    """
    used = {alias for source in definition.sources.values() for alias in definition.aliases(source)}
    used |= {alias for source in definition.sources.values() for alias in source.columns}
    return replace(definition, kinds={alias: dictionary.kinds[alias] for alias in used if alias in dictionary.kinds})


def resolved(definition: Definition, columns: Callable[[str], Iterable[Column]]) -> Definition:
    """Complete a definition by what the server tells of its tables.

    Args:
        definition: The definition.
        columns: Discovers the columns of a table.

    Returns:
        The same with titles, all kinds, and the stamps of tables that the dictionary does not know; checked.

    Raises:
        DefinitionError: When the server has no such column, or it holds something that does not suit its use.
        AisError: When the server does not tell.
    """
    found = {table: {column.alias: column for column in columns(table)} for table in _tables(definition)}
    kinds = dict(definition.kinds)
    for table, aliases in unknown_columns(definition).items():
        lacking = [alias for alias in aliases if alias not in found[table]]
        if lacking:
            raise DefinitionError(
                f"composed stream {definition.name}: {table} has no column {', '.join(lacking)} on this server"
            )
        kinds.update((alias, load_dictionary().kind(alias, found[table][alias].kind)) for alias in aliases)
    if kinds[definition.first_key] is Kind.NUMBER and definition.first_key not in load_dictionary().kinds:
        kinds[definition.first_key] = (
            Kind.WHOLE
        )  # the server does not tell; a fraction would end the walk with an error
    sources = {
        name: source
        if source.known
        else replace(source, time=time_column(found[source.table]), dated=DATE_COLUMN in found[source.table])
        for name, source in definition.sources.items()
    }
    titles = {f"{table}.{alias}": column.title for table, aliases in found.items() for alias, column in aliases.items()}
    return checked(replace(definition, kinds=kinds, sources=sources, titles=titles))


def checked(definition: Definition) -> Definition:
    """Check that columns suit what they are used for.

    Args:
        definition: A definition with all kinds.

    Returns:
        The same.

    Raises:
        DefinitionError: Naming the stream and the place.
    """
    for fault in _faults(definition):
        raise DefinitionError(f"composed stream {definition.name}: {fault}")
    return definition


def _tables(definition: Definition) -> dict[str, None]:
    return dict.fromkeys(source.table for source in definition.sources.values())


def _faults(definition: Definition) -> Iterable[str]:
    kinds, first = definition.kinds, definition.first_key
    if kinds[first] is not Kind.WHOLE:
        yield f"the first key column {first} must hold whole numbers: servers sort text differently"
    for name, source in definition.sources.items():
        yield from _source_faults(name, source, definition)
    for name, entry in definition.properties.items():
        yield from _property_faults(name, entry, kinds)


def _source_faults(name: str, source: Source, definition: Definition) -> Iterable[str]:
    kinds, first = definition.kinds, definition.first_key
    for test in source.tests:
        if fault := test.fault(kinds[test.column]):
            yield f"{name}.{test.column} {fault}"
    if source.effective is not None and kinds[source.effective] is not Kind.DATE:
        yield f"{name}.{source.effective} is no date, so nothing is effective by it"
    if source.emits and not source.dated:
        yield f"{source.table} has no column {DATE_COLUMN}, so its changes cannot be seen: say `on_change: ignore`"
    if source.link is None and kinds[source.on[0]] is not Kind.WHOLE:
        yield f"{name}.{source.on[0]} must hold whole numbers, as the first key column {first} does"
    if source.link is not None:
        for own, theirs in zip(source.link.own, source.link.theirs, strict=True):
            if _family(kinds[own]) != _family(kinds[theirs]):
                yield f"`join` of {name}: {own} is a {kinds[own].value}, {theirs} a {kinds[theirs].value}"


def _property_faults(name: str, entry: Property, kinds: Mapping[str, Kind]) -> Iterable[str]:
    if isinstance(entry, Total) and any(kinds[alias] not in _NUMBERS for alias, _ in entry.terms):
        yield f"property {name} adds columns that are no numbers"
    if isinstance(entry, Extreme) and kinds[entry.alias] not in _ORDERED:
        yield f"property {name}: only numbers and dates have a lowest and a highest value, not {entry.alias}"
    if isinstance(entry, Days) and kinds[entry.alias] is not Kind.DATE:
        yield f"property {name} counts the days from {entry.alias}, which is no date"
    chosen = getattr(entry, "chosen", None)
    for test in chosen.tests if chosen else ():
        if fault := test.fault(kinds[test.column]):
            yield f"`where` of {name}: {test.column} {fault}"
    for part in (getattr(entry, "properties", None) or {}).values():
        if isinstance(part, tuple) and any(kinds[alias] in {Kind.WHOLE, Kind.NUMBER, Kind.DATE} for alias in part):
            yield f"property {name}: a list of aliases takes texts only"
        if isinstance(part, CodeText) and kinds[part.alias] not in {Kind.STRING, Kind.CHARACTER}:
            yield f"property {name}: {part.alias} holds no codes"


def _family(kind: Kind) -> str:
    if kind in {Kind.STRING, Kind.CHARACTER}:
        return "text"
    return "date" if kind is Kind.DATE else "number"
