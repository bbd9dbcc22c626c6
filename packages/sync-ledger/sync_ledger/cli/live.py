"""What commands share that read the live service: which target and account a ledger belongs to."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

import typer
from sqlalchemy import select

from sync_ledger.cli.connecting import connect
from sync_ledger.errors import ConfigError
from sync_ledger.ledger.index import RemoteIndex
from sync_ledger.ledger.linked import LinkedRecords
from sync_ledger.ledger.tables import runs
from sync_ledger.privacy import Masks
from sync_ledger.verification import compare, never_emptied, unjudged

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from sync_ledger.ledger.history import Record
    from sync_ledger.target import UpsertTarget

TargetName = t.Annotated[
    str | None, typer.Option("--target", help="Which target, when several write to this ledger.", metavar="NAME")
]


@contextlib.contextmanager
def live_target(
    database: Engine, target_name: str | None, config: list[str] | None, url: str
) -> Iterator[UpsertTarget]:
    """Connect the target that writes to a ledger; it is let go of at the end.

    Args:
        database: The ledger.
        target_name: Name of the target; needed when several write to the ledger.
        config: Where its settings are, the environment if nothing is given.
        url: URL of the ledger.

    Raises:
        ConfigError: If it is not clear which target is meant, or its account is none of the ledger.
        ServiceError: If the account cannot be reached.
    """
    with database.connect() as connection:
        found = connection.execute(select(runs.c.target, runs.c.destination).distinct()).all()
    names = sorted({row.target for row in found})
    if target_name is None:
        if not names:
            raise ConfigError("The ledger has no run yet, so there is nothing to compare")
        if len(names) > 1:
            raise ConfigError(f"Several targets write to this ledger; name one of {', '.join(names)} with --target")
        target_name = names[0]
    target = connect(target_name, config, ledger_url=url)
    try:
        account = target.destination.name
        accounts = sorted(row.destination for row in found if row.target == target_name)
        if account not in accounts:
            known = f"it knows {', '.join(accounts)}" if accounts else f"it knows no run of {target_name}"
            raise ConfigError(f"The settings lead to {account}, of which the ledger knows nothing; {known}")
        yield target
    finally:
        target.destination.close()


def read_live(
    database: Engine, entity: str, external_id: str, target_name: str | None, config: list[str] | None, url: str
) -> list[Record]:
    """Read the records of one external ID as they are now, with what differs from what was last written.

    Raises:
        ConfigError: If it is not clear where they are.
        ServiceError: If they cannot be read.
    """
    with live_target(database, target_name, config, url) as target:
        links = LinkedRecords(database, target.destination.name)
        link = links.of_external_ids(entity, [external_id]).get(external_id)
        carrying = RemoteIndex(database, target.destination.name).find(entity, [external_id]).get(external_id, [])
        ids = list(dict.fromkeys([*([link.remote_id] if link else []), *carrying]))
        if entity not in target.destination.entities or not ids:
            return []
        masks = Masks(target.config.get("masked_fields"))
        adapter = target.destination.entity(entity)
        description = adapter.describe()
        masks.resolve(description)
        records = adapter.read(ids)
        rules = (target.config.get("field_rules") or {}).get(entity) or {}
        leave, keep = unjudged(description, rules), never_emptied(description, rules)
        hidden = masks.names(entity)
        found = []
        for one in ids:
            record = records.get(one)
            differences = (
                compare(link, record, description, leave, keep) if record and link and link.remote_id == one else []
            )
            found.append(
                {
                    "destination": target.destination.name,
                    "remote_id": one,
                    "there": record is not None,
                    "external_id": record.external_id if record else None,
                    "values": masks.payload(entity, record.values) if record else None,
                    "differences": [dataclasses.asdict(item.shown(hidden)) for item in differences],
                }
            )
        return found
