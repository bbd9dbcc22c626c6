"""Answers in the service's shapes: pages, errors, and their two spellings of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from service_emulators.jde.browse import Answer
    from service_emulators.jde.emulator import Emulator
    from service_emulators.jde.errors import ServiceError
    from service_emulators.jde.result_sets import ResultSet


def json_answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def error_answer(emulator: Emulator, error: ServiceError) -> Response:
    """Return an error's answer (AIS fact sheet sections 2.1 and 2.4)."""
    moment = f"{emulator.local_now().isoformat(timespec='milliseconds')}+0000"
    body = error.body or {"message": str(error), "exception": error.exception, "timeStamp": moment}
    return json_answer(body, error.status)


def form(answer: Answer) -> dict[str, Any]:
    """Return the form of a page: title, grid, summary (section 3.7)."""
    table = answer.table
    summary = {"records": answer.records, "moreRecords": answer.more}
    return {
        "title": f"Data Browser - {table.name} [{table.title}]",
        "data": {"gridData": {"id": _GRID, "fullGridId": str(_GRID), **answer.grid, "summary": summary}},
        "errors": [],
        "warnings": [],
    }


_GRID = 51


def page_answer(emulator: Emulator, request: Request, answer: Answer) -> Response:
    """Return a page, with the link to the next one when its result set stays open (section 4)."""
    result = answer.result
    return json_answer(
        {
            f"fs_DATABROWSE_{answer.table.name}": form(answer),
            "stackId": result.stack_id if result else emulator.result_sets.next_stack_id(),
            "stateId": result.state_id if result else 1,
            "rid": result.rid if result else "fdcff8fa532d1fd6",
            "currentApp": f"DATABROWSE_{answer.table.name}",
            "timeStamp": page_time(emulator),
            "sysErrors": [],
            "links": [{"rel": "next", "href": _next_link(emulator, request, result)}] if result else [],
        }
    )


def page_time(emulator: Emulator) -> str:
    """Return the time as pages carry it: 2025-06-30:17.31.06."""
    return f"{emulator.local_now():%Y-%m-%d:%H.%M.%S}"


def _next_link(emulator: Emulator, request: Request, result: ResultSet) -> str:
    base = emulator.switches.href_base or f"{request.url.scheme}://{request.url.netloc}"
    query = {
        "stackId": result.stack_id,
        "stateId": result.state_id,
        "rid": result.rid,
        "fullGridId": _GRID,
        "formOID": result.table.name,
        "token": result.session.token,
        "outputType": result.output,
        "returnControlIDs": "|".join(f"{column.owner}.{column.alias}" for column in result.columns),
    }
    return f"{base.rstrip('/')}/jderest/v2/dataservice/next?{urlencode(query)}"
