"""Alternate keys: waiting until their index is built, and telling which rows are in its way."""

from __future__ import annotations

import time
import typing as t
from collections import defaultdict

from sync_ledger.errors import ConfigError, ServiceUnavailableError

from target_dynamics.holders import key_on
from target_dynamics.metadata import ACTIVE, FAILED
from target_dynamics.metadata_reading import metadata_of
from target_dynamics.refusals import concerning

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_dynamics.client import DynamicsClient
    from target_dynamics.tables import Table

TIME_LIMIT_SECONDS: t.Final = 900
"""How long the building of an index may take before setup stops waiting; it goes on at the service."""

_FIRST_LOOK: t.Final = 1.0
_LAST_LOOK: t.Final = 15.0
_TOLD_EVERY: t.Final = 15.0
_MOST_SHOWN: t.Final = 10


def wait_for(
    client: DynamicsClient,
    table: Table,
    column: str,
    told: Callable[[str], None],
    *,
    seconds: float = TIME_LIMIT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until the alternate key on a column works.

    Args:
        client: Client of the environment.
        table: Its table.
        column: Logical name of the column.
        told: Is told how it goes.
        seconds: How long to wait.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.

    Raises:
        ConfigError: If its index cannot be built, naming the rows that share a value.
        ServiceUnavailableError: If that takes too long.
    """
    begun, spoken, pause = clock(), clock(), _FIRST_LOOK
    while True:
        found = key_on(metadata_of(client, table.logical).keys, column)
        status = found.status if found else "not shown yet"
        if status == ACTIVE:
            told(f"{table.entity}: alternate key on {column} is active")
            return
        if status == FAILED:
            raise ConfigError(failure(client, table, column))
        now = clock()
        if now - begun >= seconds:
            raise ServiceUnavailableError(
                f"the index of the alternate key on {column} of {table.entity} is not built after {seconds:.0f} s"
                f" ({status}); Dataverse goes on building it: run setup again to wait longer, or look at the system"
                " jobs of the environment"
            )
        if now - spoken >= _TOLD_EVERY:
            told(f"{table.entity}: the index on {column} is being built for {now - begun:.0f} s ({status})")
            spoken = now
        sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK)


def failure(client: DynamicsClient, table: Table, column: str) -> str:
    """Return why the index of an alternate key cannot be built, and what helps."""
    head = f"the index of the alternate key on {column} of {table.entity} failed"
    found = shared(client, table, column)
    if not found:
        return f"{head}, though no rows share a value now: run setup again, which builds it anew"
    listed = "; ".join(f"{value!r} in {' and '.join(ids)}" for value, ids in list(found.items())[:_MOST_SHOWN])
    more = f" and {len(found) - _MOST_SHOWN} more values" if len(found) > _MOST_SHOWN else ""
    return f"{head} because rows share a value: {listed}{more}; merge or correct them, then run setup again"


def shared(client: DynamicsClient, table: Table, column: str) -> Mapping[str, Sequence[str]]:
    """Return value -> ids of the rows that share it; capitals and blanks at the end do not tell values apart."""
    found: dict[str, list[str]] = defaultdict(list)
    shown: dict[str, str] = {}
    params = {"$select": f"{table.id},{column}", "$filter": f"{column} ne null"}
    with concerning(f"the values of {column} in {table.entity}"):
        for page in client.pages(f"/{table.entity}", params):
            for row in page:
                value = str(row[column]).rstrip()
                shown.setdefault(value.casefold(), value)
                found[value.casefold()].append(str(row[table.id]))
    return {shown[value]: ids for value, ids in found.items() if len(ids) > 1}
