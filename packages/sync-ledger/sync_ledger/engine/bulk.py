"""Bulk writes: which adapters take them, and how the rows of one large batch are cut meanwhile.

A batch gathered for a bulk write goes through the stages a part at a time, as an ordinary batch does; only its creates
are put aside until all parts have been decided. So no more of them than the job needs is in memory at once.
"""

from __future__ import annotations

import typing as t

from sync_ledger.adapter import WritesInBulk

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sync_ledger.adapter import EntityAdapter

_T = t.TypeVar("_T")

PART: t.Final = 1000
"""Rows that go through the stages, and are settled, together."""


def writes_in_bulk(adapter: EntityAdapter) -> WritesInBulk | None:
    """Return the adapter as one that writes in bulk; None if it does not, or is set never to."""
    return adapter if isinstance(adapter, WritesInBulk) and adapter.bulk_threshold > 0 else None


def enough(adapter: EntityAdapter, creates: int) -> bool:
    """Whether so many creates are worth a bulk write."""
    bulk = writes_in_bulk(adapter)
    return bulk is not None and creates >= bulk.bulk_threshold


def most_rows(adapter: EntityAdapter, otherwise: int) -> int:
    """Return how many stored rows are taken up together, so that their creates can make a bulk write."""
    bulk = writes_in_bulk(adapter)
    return otherwise if bulk is None else max(bulk.bulk_size, otherwise)


def parts(items: Sequence[_T], size: int = PART) -> Iterator[Sequence[_T]]:
    """Cut a batch into parts."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
