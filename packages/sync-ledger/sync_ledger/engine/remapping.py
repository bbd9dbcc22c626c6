"""Rows that could not be mapped, tried again with a corrected mapping."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from sync_ledger.engine.replaying import CHUNK
from sync_ledger.errors import ConfigError
from sync_ledger.privacy.masking import has_mask
from sync_ledger.records import external_id_of, is_field, unmapped
from sync_ledger.rows import Outcome, Reason, Settled, SourceRow

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sync_ledger.engine.mapper_process import Mapped, MappedStream, MapperProcess
    from sync_ledger.ledger import Ledger
    from sync_ledger.ledger.open_rows import HeldRow

_UNKNOWN_ORIGIN = (
    "the ledger does not know which stream of the source it came from, as an older version held it; let the row come "
    "once more"
)


class Remapping:
    """Takes rows that could not be mapped through the mapper, and what it makes of them through the engine.

    Args:
        ledger: Ledger of the run.
        mapper: The mapper, running.
        open_entity: Checks the properties the mapping gives an entity, and makes it ready for rows.
        process: Takes a batch through the engine.
        settle: Settles rows without a stage.
        go_on: Whether the budget allows more.
    """

    def __init__(
        self,
        ledger: Ledger,
        mapper: MapperProcess,
        *,
        open_entity: Callable[[str, Sequence[str]], None],
        process: Callable[[str, Sequence[SourceRow]], None],
        settle: Callable[[Sequence[Settled]], None],
        go_on: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._mapper = mapper
        self._open = open_entity
        self._process = process
        self._settle = settle
        self._go_on = go_on
        self._checked: set[tuple[str, str, tuple[str, ...]]] = set()

    def run(self, entities: Sequence[str], ids: Sequence[int]) -> None:
        """Try rows again; deletions among them are put off, as those of any run.

        Args:
            entities: Entities in the order in which they are written.
            ids: Numbers of the open rows.

        Raises:
            ConfigError: If the mapping cannot be used, or makes nothing of the entity a row was meant for.
        """
        for entity in entities:
            for held in self._ledger.open_rows.held_for_mapping(entity, ids, chunk=CHUNK):
                if not self._go_on():
                    return
                self._take(entity, held)

    def _take(self, entity: str, held: Sequence[HeldRow]) -> None:
        settled = [lost for row in held if (lost := _lost(row)) is not None]
        rows = [row for row in held if _lost(row) is None]
        answers = self._mapper.map([(row.origin, row.record) for row in rows if row.origin]) if rows else []
        made: list[tuple[HeldRow, SourceRow]] = []
        for row, answer in zip(rows, answers, strict=True):
            decided = self._decide(row, answer)
            if isinstance(decided, Settled):
                settled.append(decided)
            else:
                made.append((row, decided))
        wanted = self._newest(entity, made, settled)
        if settled:
            self._settle(settled)
        if wanted:
            self._process(entity, wanted)

    def _decide(self, held: HeldRow, answer: Mapped) -> SourceRow | Settled:
        stream = self._stream(held)
        records = [record for name, record in answer.records if name == held.entity]
        if not records:
            failures = [record for record in answer.unmapped if record.get("stream") == held.entity]
            if failures:
                failed = unmapped(failures[0])
                return _still(held, failed.field, failed.text)
            text = "the mapping leaves the row out"
            return Settled(_as_held(held), Outcome.SKIPPED, Reason.LEFT_OUT, text=text)
        keys = [external_id_of(record, stream.key_properties) for record in records]
        if len(records) > 1:
            # Several maps make rows of this entity of one row; the one that failed is known by its key.
            mine = [record for key, record in zip(keys, records, strict=True) if key == held.external_id]
            if len(mine) != 1:
                return _still(held, None, f"the mapping makes {len(records)} rows of {held.entity} of it")
            records, keys = mine, [held.external_id]
        (record,), (external_id,) = records, keys
        if external_id is None:
            names = ", ".join(stream.key_properties)
            return _still(held, None, f"a key property ({names}) has no text or number as its value")
        return SourceRow(
            held.entity,
            external_id,
            {name: value for name, value in record.items() if is_field(name, stream.key_properties)},
            held.id,
            deleted=bool(record.get("_sdc_deleted_at")),
            origin=held.origin,
            original=held.record,
            edited_at=held.edited_at,
        )

    def _stream(self, held: HeldRow) -> MappedStream:
        """Return what the mapping makes of the row's source for the entity, checked against the destination once."""
        source = held.origin.stream if held.origin else ""
        stream = self._mapper.streams(source).get(held.entity)
        if stream is None:
            raise ConfigError(
                f"{self._mapper.mapping} makes no {held.entity} of {source}, as the row {held.external_id} needs; give "
                "the mapping it was held with, corrected"
            )
        if not stream.key_properties:
            raise ConfigError(
                f"{self._mapper.mapping} gives {held.entity} no key_properties; set __key_properties__ in the mapping"
            )
        version = (source, held.entity, stream.properties)
        if version not in self._checked:
            self._open(held.entity, [name for name in stream.properties if is_field(name, stream.key_properties)])
            self._checked.add(version)
        return stream

    def _newest(
        self, entity: str, made: Sequence[tuple[HeldRow, SourceRow]], settled: list[Settled]
    ) -> list[SourceRow]:
        """Return the rows that are the newest of their external ID; the others are wanted no more.

        A row keeps its place among the rows of its external ID while it waits. One that was held under another, because
        its key could not be computed, has none: it is looked for here.
        """
        moved = [row.external_id for held, row in made if row.external_id != held.external_id]
        newer = self._ledger.open_rows.newer(entity, moved) if moved else {}
        last = {row.external_id: row for _, row in made}
        wanted = []
        for held, row in made:
            came = newer.get(row.external_id)
            if last[row.external_id] is not row or (came is not None and came > held.opened_at):
                text = f"a newer row of {row.external_id} has come"
                settled.append(Settled(_as_held(held), Outcome.SKIPPED, Reason.SUPERSEDED, text=text))
            else:
                wanted.append(row)
        return wanted


def _as_held(held: HeldRow) -> SourceRow:
    return SourceRow(held.entity, held.external_id, held.record, held.id, origin=held.origin, edited_at=held.edited_at)


def _still(held: HeldRow, field: str | None, text: str | None) -> Settled:
    row = replace(_as_held(held), original=held.record)
    return Settled(row, Outcome.HELD, Reason.UNMAPPED, field, text)


def _lost(held: HeldRow) -> Settled | None:
    """Return the outcome of a row that cannot be mapped by any mapping."""
    erased = next((name for name, value in held.record.items() if has_mask(value)), None)
    if erased is not None:
        text = f"the value of {erased} was erased from the ledger before it was written"
        return Settled(_as_held(held), Outcome.HELD, Reason.PAYLOAD_ERASED, erased, text)
    return None if held.origin else _still(held, None, _UNKNOWN_ORIGIN)
