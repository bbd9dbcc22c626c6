"""`GET /{module}/deleted`: what lies in the recycle bin and what is gone for good (fact sheet section 7)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service_emulators.zoho.calls import MAX_PER_PAGE, Reply, Route
from service_emulators.zoho.errors import ApiError, invalid
from service_emulators.zoho.paging import DISCRETE_ROWS
from service_emulators.zoho.reading import readable
from service_emulators.zoho.tables import RECYCLE_BIN
from service_emulators.zoho.times import parse_time, stored_time

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from service_emulators.zoho.calls import Call
    from service_emulators.zoho.parts import Parts

DAY_SECONDS = 24 * 3600
RECYCLE_DAYS = 60
"""How long a deleted record lies in the recycle bin."""

LISTED_DAYS = 120
"""How long a record that is gone for good is listed from then on."""


class DeletedApi:
    """Deleted records. Pages reach the first 2,000, as nothing else is documented."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._catalog = parts.catalog
        self._org = parts.org
        self._clock = parts.clock

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""
        return {"GET /crm/v8/{module}/deleted": Route(self._list, ("ZohoCRM.modules.{module}.READ",))}

    def _list(self, call: Call) -> Reply:
        module = readable(self._catalog.find(call.args["module"]))
        kind = call.choice("type", ("all", "recycle", "permanent"), "all")
        per_page, page = call.integer("per_page", MAX_PER_PAGE, MAX_PER_PAGE), call.integer("page", 1)
        if page * per_page > DISCRETE_ROWS:
            details = {"param_name": "page", "limit": DISCRETE_ROWS}
            raise ApiError(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "page reaches the first 2000 only", details)
        now = self._clock.seconds()
        gone = now - RECYCLE_DAYS * DAY_SECONDS
        column = RECYCLE_BIN.c.deleted_at
        where = [RECYCLE_BIN.c.module == module.name, column > gone - LISTED_DAYS * DAY_SECONDS]
        if kind != "all":
            where.append(column > gone if kind == "recycle" else column <= gone)
        since = call.headers.get("if-modified-since")
        if since is not None:
            moment = parse_time(since)
            if moment is None:
                raise invalid({"header": "If-Modified-Since", "expected_data_type": "datetime"})
            where.append(column >= datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())
        statement = select(RECYCLE_BIN).where(*where).order_by(column.desc(), RECYCLE_BIN.c.id.desc())
        statement = statement.limit(per_page + 1).offset((page - 1) * per_page)
        rows = list(self._store.connection.execute(statement).mappings())
        if not rows:
            return Reply(status=304 if since is not None and page == 1 else 204)
        shown = [self._show(row, permanent=row["deleted_at"] <= gone) for row in rows[:per_page]]
        info = {"per_page": per_page, "count": len(shown), "page": page, "more_records": len(rows) > per_page}
        return Reply({"data": shown, "info": info})

    def _show(self, row: RowMapping, *, permanent: bool) -> dict[str, Any]:
        moment = stored_time(datetime.fromtimestamp(row["deleted_at"], timezone.utc))
        return {
            "id": str(row["id"]),
            "display_name": row["display_name"],
            "type": "permanent" if permanent else "recycle",
            "deleted_time": self._org.local(moment),
            "deleted_by": self._org.user(row["deleted_by"]),
            "created_by": None if permanent else self._org.user(row["created_by"]),
        }
