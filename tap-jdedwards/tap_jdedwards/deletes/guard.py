"""The guard between a source that looks empty and a destination that would be emptied."""

from __future__ import annotations

SMALL_NUMBER = 10
"""Up to so many rows may vanish at once whatever their share is: small tables change by large shares."""


class SourceShrunkError(ValueError):
    """More rows have vanished than can be believed; nothing was deleted."""


def check_shrinkage(stream: str, *, known: int, vanished: int, percent: int) -> None:
    """Make sure that vanished rows may be taken for deleted ones.

    A wrong environment, a role with less rights (row security hides rows without a word, AIS fact sheet section 7) or a
    table being reloaded look like deletions.

    Args:
        stream: Name of the stream.
        known: Rows known before.
        vanished: How many of them are no longer there.
        percent: The setting ``delete_guard_percent``; 100 lets everything pass.

    Raises:
        SourceShrunkError: When all rows are gone, or more than ten and more than the share allowed.
    """
    if not vanished or percent >= 100:  # noqa: PLR2004 -- of a hundred
        return
    if vanished >= known:
        raise SourceShrunkError(
            f"{stream}: the source is empty, but {known:,} rows are known; nothing was deleted. If all of them were "
            "deleted on purpose, run once with delete_guard_percent 100; else check environment, role and row security"
        )
    if vanished > SMALL_NUMBER and vanished * 100 > known * percent:
        raise SourceShrunkError(
            f"{stream}: {vanished:,} of {known:,} known rows are no longer at the source, more than the {percent} % of "
            "delete_guard_percent; nothing was deleted. If they were deleted on purpose, run once with a higher "
            "delete_guard_percent; else check environment, role and row security"
        )
