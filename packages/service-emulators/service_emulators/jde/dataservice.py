"""Endpoints of the data service (AIS fact sheet sections 3 and 4)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from service_emulators.jde.aggregate import aggregate, count
from service_emulators.jde.answers import form, json_answer, page_answer, page_time
from service_emulators.jde.browse import browse, next_page
from service_emulators.jde.errors import ServiceError, bad_request
from service_emulators.jde.login import check_json, signed_on
from service_emulators.jde.requests import (
    Aggregation,
    Condition,
    Credentials,
    DataRequest,
    OrderBy,
    Query,
    Value,
    decode,
)
from service_emulators.jde.result_sets import expired

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service_emulators.jde.emulator import Emulator

_DEFAULT_OUTPUT = {1: "VERSION1", 2: "GRID_DATA"}
_FILTER_OPERATORS = {
    "EQ": "EQUAL",
    "NE": "NOT_EQUAL",
    "LT": "LESS",
    "LE": "LESS_EQUAL",
    "GT": "GREATER",
    "GE": "GREATER_EQUAL",
    "STARTSWITH": "STR_START_WITH",
    "ENDSWITH": "STR_END_WITH",
    "CONTAINS": "STR_CONTAIN",
}
_FILTER = re.compile(r"(?P<column>\S+) (?P<operator>[A-Z]+) (?P<value>.*)", re.DOTALL)
_SPECIAL = re.compile(r"(?:(?P<count>\d+) )?(?P<name>TODAY(?:_\w+)?)")


class DataService:
    """Endpoints of the data service."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def post_v1(self, request: Request) -> Response:
        """Answer ``/dataservice``: VERSION1 unless asked otherwise, no next page."""
        return await self._post(request, version=1)

    async def post_v2(self, request: Request) -> Response:
        """Answer ``/v2/dataservice``."""
        return await self._post(request, version=2)

    async def _post(self, request: Request, *, version: int) -> Response:
        default_output = _DEFAULT_OUTPUT[version]
        check_json(request)
        body = decode(await request.body(), DataRequest)
        session = signed_on(self._emulator, request, body)
        paging = session if version > 1 else None

        def produce() -> Response:
            if body.batch_data_request:
                return json_answer(self._batch(body, default_output))
            if body.data_service_type == "BROWSE":
                return page_answer(self._emulator, request, browse(self._emulator, body, paging, default_output))
            return json_answer({f"ds_{body.target_name}": self._computed(body)})

        return await self._answer("BATCH" if body.batch_data_request else body.data_service_type, body, produce)

    async def _answer(
        self, service: str, body: DataRequest | None, produce: Callable[[], Response], target: str = ""
    ) -> Response:
        """Read in a thread, so that requests overlap, and add the latency without holding up anyone else."""
        hooks, name = self._emulator.hooks, body.target_name if body else target

        def read() -> Response:
            hooks.before(service, name, body)
            response = produce()
            hooks.after(name)
            return response

        response = await run_in_threadpool(read)
        if self._emulator.switches.latency:
            await asyncio.sleep(self._emulator.switches.latency / 1000)
        return response

    def _computed(self, body: DataRequest) -> dict[str, Any]:
        if body.data_service_type == "COUNT":
            return count(self._emulator, body)
        if body.data_service_type == "AGGREGATION":
            return aggregate(self._emulator, body)
        raise bad_request(f"Unknown dataServiceType {body.data_service_type}")

    def _batch(self, body: DataRequest, default_output: str) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for index, one in enumerate(body.data_requests):
            if one.data_service_type == "BROWSE":
                page = browse(self._emulator, one, None, body.output_type or default_output)
                answer[f"fs_{index}_DATABROWSE_{one.target_name}"] = form(page)
            else:
                answer[f"ds_{index}_{one.target_name}"] = self._computed(one)
        return {**answer, "timeStamp": page_time(self._emulator), "sysErrors": [], "links": []}

    async def next(self, request: Request) -> Response:
        """Answer ``/v2/dataservice/next``: everything is in the link's query."""
        query = request.query_params
        credentials = Credentials(token=query.get("token"), device_name=query.get("deviceName"))
        session = signed_on(self._emulator, request, credentials)
        if session is None:
            raise expired()
        state = (query.get("rid", ""), query.get("stackId", ""), query.get("stateId", ""))
        result, rows = self._emulator.result_sets.find(session, *state, self._emulator.switches.result_set_seconds)

        def produce() -> Response:
            return page_answer(self._emulator, request, next_page(self._emulator, result, rows))

        return await self._answer("NEXT", None, produce, result.table.name)

    async def get_table(self, request: Request) -> Response:
        """Answer ``/v2/dataservice/table/{name}`` (section 3.9)."""
        return await self._get(request, "table")

    async def get_view(self, request: Request) -> Response:
        """Answer ``/v2/dataservice/view/{name}``."""
        return await self._get(request, "view")

    async def _get(self, request: Request, kind: str) -> Response:
        query = request.query_params
        body = DataRequest(
            token=query.get("$token"),
            device_name=query.get("$device"),
            username=query.get("$username"),
            password=query.get("$password"),
            environment=query.get("$environment"),
            role=query.get("$role"),
            target_name=request.path_params["name"],
            target_type=kind,
            return_control_ids="|".join(query.getlist("$field")) or None,
            find_on_entry="TRUE",
            max_page_size=query.get("$limit", "100"),
            output_type=query.get("$outputType"),
            query=_filters(query.getlist("$filter"), query.get("$filterType", "MATCH_ALL")),
            aggregation=Aggregation(order_by=[_sort(one) for one in query.getlist("$sort")]),
        )
        signed_on(self._emulator, request, body)

        def produce() -> Response:
            return page_answer(self._emulator, request, browse(self._emulator, body, None, "GRID_DATA"))

        return await self._answer("BROWSE", body, produce)


def _filters(filters: list[str], match_type: str) -> Query | None:
    conditions: list[Condition] = []
    for text in filters:
        found = _FILTER.fullmatch(text)
        if not found or found["operator"] not in _FILTER_OPERATORS:
            raise ServiceError(400, f"Cannot read $filter {text!r}")
        special = _SPECIAL.fullmatch(found["value"])
        value = Value(special["count"] or "", special["name"]) if special else Value(found["value"])
        conditions.append(Condition(found["column"], _FILTER_OPERATORS[found["operator"]], [value]))
    return Query(match_type, conditions, auto_find=True) if conditions else None


def _sort(text: str) -> OrderBy:
    # An unencoded + arrives as a blank.
    return OrderBy(text[1:] if text[:1] in {"+", "-", " "} else text, "DESC" if text.startswith("-") else "ASC")
