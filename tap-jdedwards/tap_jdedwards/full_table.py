"""Whole loads: every row each time, and what is not among them is dropped downstream.

RECORD messages carry the version of the load; ACTIVATE_VERSION, which tells a target to drop rows of other versions, is
sent once the last row has been read, and never after a failure. (The SDK, read at 0.54.9, would send it first.)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tap_jdedwards.deletes import check_shrinkage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_jdedwards.shards import Part
    from tap_jdedwards.stream import Batch, JdeStream


def replaced(stream: JdeStream, batches: Iterable[Batch], part: Part) -> Iterator[Batch]:
    """Send batches as the new whole of a stream, and keep their number in its state.

    Args:
        stream: The stream; its state is replaced by ``{"full_table": {"rows": 30, "version": 1795427638000}}``.
        batches: All its records.
        part: What this process reads of it. Rows of other parts have other versions, so that nobody may drop any.

    Yields:
        The batches.

    Raises:
        SourceShrunkError: When the rows are far fewer than last time; then nothing is dropped downstream.
    """
    version = None
    if part.is_whole:
        version = time.time_ns() // 1_000_000
    else:
        stream.logger.info("%s is read by several shards: rows deleted at the source stay downstream", stream.name)
    stream.begin_version(version)
    rows = 0
    for batch in batches:
        rows += len(batch)
        yield batch
    before = _rows_before(stream.stream_state)
    check_shrinkage(
        stream.name, known=before, vanished=max(0, before - rows), percent=stream.jde.settings.delete_guard_percent
    )
    loaded = {"rows": rows}
    if version is not None:
        stream.activate_version(version)
        loaded["version"] = version
    stream.save({"full_table": loaded, **part.to_state()})


def _rows_before(state: dict[str, Any]) -> int:
    last = state.get("full_table")
    rows = last.get("rows") if isinstance(last, dict) else None
    return rows if type(rows) is int else 0
