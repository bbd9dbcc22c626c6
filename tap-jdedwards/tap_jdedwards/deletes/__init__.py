"""Detection of deleted rows: the keys seen are kept, compared with those still there, and vanished ones are told.

JD Edwards leaves no trace of a deleted row (AIS fact sheet section 5), so that only a look at all keys finds it.
Nothing here knows tables or documents; see :class:`tap_jdedwards.deletes.sweep.Sweep` for all of it with an example.
"""

from __future__ import annotations

from tap_jdedwards.deletes.guard import SourceShrunkError, check_shrinkage
from tap_jdedwards.deletes.setup import DELETED_AT, DELETED_AT_SCHEMA, open_sweep, wants_sweep
from tap_jdedwards.deletes.store import KeysError, KeyStore
from tap_jdedwards.deletes.sweep import Sweep

__all__ = [
    "DELETED_AT",
    "DELETED_AT_SCHEMA",
    "KeyStore",
    "KeysError",
    "SourceShrunkError",
    "Sweep",
    "check_shrinkage",
    "open_sweep",
    "wants_sweep",
]
