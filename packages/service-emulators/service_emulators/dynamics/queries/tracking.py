"""Change tracking: all rows first, then what changed since a token, deleted rows last (fact sheet section 15)."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import func, select

from service_emulators.dynamics.errors import ApiError, bad_query
from service_emulators.dynamics.queries.paging import Cookie, next_link
from service_emulators.dynamics.tables import TOMBSTONES

if TYPE_CHECKING:
    from service_emulators.dynamics.calls import Call
    from service_emulators.dynamics.parts import Parts
    from service_emulators.dynamics.queries.options import Options
    from service_emulators.dynamics.schema.model import Table

_TOKEN = re.compile(r"(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)")
_WRITTEN = "%m/%d/%Y %H:%M:%S"
_REFUSED = ("$filter", "$orderby", "$expand", "$top")
_DAY = 86_400


class Tracking:
    """Lists of changes.

    Args:
        parts: what requests work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def page(self, call: Call, table: Table, options: Options) -> dict[str, Any]:
        """Returns one page of a list of changes.

        Raises:
            ApiError: 400, the table has no change tracking, an option does not go with it, or the token is too old.
        """
        self._check(call, table)
        cookie = Cookie.read(options.skip_token) if options.skip_token else None
        since = None if options.delta_token is None else self._version(options.delta_token)
        upper = cookie.upper if cookie else self._parts.store.version
        first = cookie.values[0] if cookie else (since or 0)
        found = self._changes(table, first, upper, options.page_size + 1, since)
        page, more = found[: options.page_size], len(found) > options.page_size
        columns = self._parts.show.columns(table, call.select)
        context = f"{call.root}$metadata#{table.set_name}"
        value = [
            {"@odata.context": f"{context}/$deletedEntity", "id": item, "reason": "deleted"}
            if isinstance(item, str)
            else self._parts.show.row(table, item, columns, call.annotations)
            for _, item in page
        ]
        select_part = "" if call.select is None else f"({','.join(call.select)})"
        body: dict[str, Any] = {"@odata.context": context + select_part + ("" if since is None else "/$delta")}
        if more:
            token = Cookie((cookie.page if cookie else 1) + 1, [page[-1][0]], tracking=True, upper=upper).token()
            link = next_link(call.root, call.path, call.raw_query, token)
            return {**body, "@odata.nextLink": link, "value": value}
        return {**body, "@odata.deltaLink": self._delta_link(call, upper), "value": value}

    def count(self, table: Table, token: str) -> int:
        """Returns the number of changes since a token."""
        since, upper = self._version(token), self._parts.store.version
        return len(self._changes(table, since, upper, None, since))

    def _changes(
        self, table: Table, first: int, upper: int, limit: int | None, since: int | None
    ) -> list[tuple[int, Any]]:
        """Returns (place, row or id of a deleted row), rows before deletions, each by version.

        The place of a row is its version, that of a deletion `upper + 1` and its version.

        Args:
            table: the table.
            first: place after which to go on.
            upper: version to go up to.
            limit: most items.
            since: version of the delta token; None for the first list, which has no deletions.
        """
        version = table.sql.c.versionnumber
        found: list[tuple[int, Any]] = []
        if first <= upper:
            rows = self._parts.store.select(table, [version > first, version <= upper], [version], limit)
            found = [(row["versionnumber"], row) for row in rows]
        if since is None or (limit is not None and len(found) >= limit):
            return found
        version = TOMBSTONES.c.versionnumber
        gone = select(version, TOMBSTONES.c.id).where(
            TOMBSTONES.c.table == table.name, version <= upper, version > max(since, first - upper - 1)
        )
        if limit is not None:
            gone = gone.limit(limit - len(found))
        for number, row_id in self._parts.store.connection.execute(gone.order_by(version)):
            found.append((upper + 1 + number, row_id))
        return found

    def _check(self, call: Call, table: Table) -> None:
        if not table.info.change_tracking:
            raise bad_query(f"Entity {table.name} does not have change tracking enabled.")
        for name in _REFUSED:
            if name in call.query:
                raise bad_query(f'The "{name}" query parameter isn\'t supported when tracking changes.')

    def _version(self, token: str) -> int:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise bad_query("The delta token is not valid.")
        made = datetime.strptime(match[2], _WRITTEN).replace(tzinfo=timezone.utc)
        table = self._parts.catalog.tables()["organization"]
        days = self._parts.store.connection.execute(select(func.max(table.sql.c.expirechangetrackingindays))).scalar()
        if self._parts.clock.seconds() - made.timestamp() > (7 if days is None else int(days)) * _DAY:
            # The code of this error is in no document (fact sheet section 19).
            raise ApiError(410, "0x80060888", "The delta token has expired; a full synchronization is required.")
        return int(match[1])

    def _delta_link(self, call: Call, upper: int) -> str:
        moment = self._parts.clock.now().astimezone(timezone.utc).strftime(_WRITTEN)
        select_part = "" if call.select is None else f"$select={','.join(call.select)}&"
        return f"{call.root}{call.path}?{select_part}$deltatoken={quote(f'{upper}!{moment}', safe='')}"
