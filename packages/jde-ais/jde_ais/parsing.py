"""Bodies of good answers, turned into pages, columns, counts and settings (AIS fact sheet, sections 2 and 3.7)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from jde_ais.answers import Column, NextLink, Page, ServerConfig, UserInfo
from jde_ais.errors import AisProtocolError
from jde_ais.faults import TransientFault, fault_inside
from jde_ais.rowset import envelope, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Redact = Callable[[str], str]

# Numbers with a fraction become Decimal straight from the text, so that 0.1 stays 0.1.
_decoder = msgspec.json.Decoder(float_hook=Decimal)

_DISCOVERY_DATE = "19700101"
_NO_ODD_ROW = object()
_LONGEST_ROW = 60


def json_object(content: bytes, what: str, redact: Redact) -> dict[str, Any]:
    """Decodes the body of a 2xx answer.

    Raises:
        TransientFault: The body is cut off.
        AisProtocolError: It is no JSON object at all: a page of a proxy or of another kind of server.
    """
    try:
        body = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = redact(str(error))
    else:
        if isinstance(body, dict):
            return body
        reason = f"a JSON {type(body).__name__} instead of an object"
    if content.lstrip()[:1] in (b"{", b""):
        msg = f"{what}: the answer is {'damaged' if content else 'empty'} ({reason})"
        raise TransientFault(msg)
    start = redact(content[:80].decode("utf-8", "replace"))
    msg = (
        f"{what}: the answer is not JSON but starts with {start!r}; "
        "check that ais_url is an AIS Server and that no proxy or log-in page answers in its place"
    )
    raise AisProtocolError(msg)


def parse_page(content: bytes, table: str, token: str, what: str, redact: Redact) -> Page:
    """Reads the answer to a BROWSE or to a next link."""
    quick = envelope(content, table)
    if quick is not None and quick.is_good:
        rows = rows_of(quick.form.data.grid, table, _aliases)
        if rows is not None:
            _check_complete(quick.form.data.grid.summary, rows, what)
            more = _more(quick.form.data.grid.summary)
            return Page(rows, more, _server_time(quick.time_stamp), _next_link(quick.links, table, token))
    body = json_object(content, what, redact)
    grid = _grid(body, table, what, redact)
    _check_complete(grid.get("summary"), grid["rowset"], what)
    rows = _rows(grid, table)
    return Page(
        rows,
        _more(grid.get("summary")),
        _server_time(body.get("timeStamp")),
        _next_link(body.get("links"), table, token),
    )


def parse_columns(content: bytes, table: str, what: str, redact: Redact) -> list[Column]:
    """Reads the answer to a discovery request: the made-up row tells each column's kind."""
    grid = _grid(json_object(content, what, redact), table, what, redact)
    titles = grid.get("columns")
    titles = titles if isinstance(titles, dict) else {}
    rows = grid["rowset"]
    if not rows or not rows[0]:
        msg = f"{what}: the server describes no column of {table}; may the user read it?"
        raise AisProtocolError(msg)
    names = _aliases(tuple(rows[0]), table)
    return [
        Column(alias, str(titles.get(key) or alias).strip(), _kind(value))
        for alias, (key, value) in zip(names, rows[0].items(), strict=True)
    ]


def parse_count(content: bytes, table: str, what: str, redact: Redact) -> int:
    """Reads the answer to a counting request."""
    body = json_object(content, what, redact)
    answer = body.get(f"ds_{table}")
    if body.get("sysErrors"):
        raise fault_inside(body["sysErrors"], what, redact)
    if not isinstance(answer, dict):
        raise fault_inside(body, what, redact)
    if answer.get("error"):
        raise fault_inside(answer["error"], what, redact)
    try:
        return int(answer["output"][0]["COUNT"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise fault_inside(answer, what, redact) from None


def parse_user(body: dict[str, Any], username: str) -> UserInfo:
    """Reads the signed-on user out of the answer to a log-in."""
    info = body.get("userInfo")
    info = info if isinstance(info, dict) else {}
    return UserInfo(
        username=str(info.get("username") or username),
        date_format=str(info.get("simpleDateFormat") or ""),
        decimal_separator=str(info.get("decimalFormat") or "."),
        environment=str(body.get("environment") or ""),
        role=str(body.get("role") or ""),
        time_zone_offset=str(info.get("timeZoneOffset") or ""),
    )


def parse_config(body: dict[str, Any]) -> ServerConfig:
    """Reads the answer to `defaultconfig`; times are minutes as text."""
    listed = body.get("capabilityList")
    listed = listed if isinstance(listed, list) else []
    return ServerConfig(
        idle_seconds=_minutes(body.get("sessionTimeout")),
        lifetime_seconds=_minutes(body.get("timeToLive")),
        version=str(body.get("aisVersion") or ""),
        capabilities=frozenset(str(one["name"]) for one in listed if isinstance(one, dict) and "name" in one),
        allow_user_password=_flag(body.get("allowUserPassword")),
        allow_basic=_flag(body.get("allowBasicAuth")),
    )


def _grid(body: dict[str, Any], table: str, what: str, redact: Redact) -> dict[str, Any]:
    # A 200 may carry sysErrors instead of data, or beside it.
    if body.get("sysErrors"):
        raise fault_inside(body["sysErrors"], what, redact)
    form = body.get(f"fs_DATABROWSE_{table}")
    if not isinstance(form, dict):
        raise fault_inside(body, what, redact)
    if form.get("errors"):
        raise fault_inside(form["errors"], what, redact)
    data = form.get("data")
    grid = data.get("gridData") if isinstance(data, dict) else None
    if not isinstance(grid, dict) or not isinstance(grid.get("rowset"), list):
        raise fault_inside(form, what, redact)
    odd = next((row for row in grid["rowset"] if not isinstance(row, dict)), _NO_ODD_ROW)
    if odd is not _NO_ODD_ROW:
        msg = f"{what}: a row of the answer is no object of columns but {redact(repr(odd))[:_LONGEST_ROW]}"
        raise AisProtocolError(msg)
    return grid


def _check_complete(summary: Any, rows: list[Any], what: str) -> None:
    told = summary.get("records") if isinstance(summary, dict) else None
    # The number of rows in this answer alone (AIS fact sheet, section 0).
    if isinstance(told, int) and not isinstance(told, bool) and told != len(rows):
        msg = f"{what}: the answer is damaged (its summary tells of {told} rows, it holds {len(rows)})"
        raise TransientFault(msg)


def _more(summary: Any) -> bool:
    return isinstance(summary, dict) and summary.get("moreRecords") in (True, "true")


def _rows(grid: dict[str, Any], table: str) -> list[dict[str, Any]]:
    rowset: list[dict[str, Any]] = grid["rowset"]
    # Rows of one page nearly always have the same keys in the same order; column security may drop some.
    known: dict[tuple[str, ...], list[str]] = {}
    rows = []
    for row in rowset:
        keys = tuple(row)
        names = known.get(keys)
        if names is None:
            names = known[keys] = _aliases(keys, table)
        rows.append(dict(zip(names, row.values(), strict=True)))
    return rows


def _aliases(keys: tuple[str, ...], table: str) -> list[str]:
    """Drops the table from `F0101_AN8`; columns of a view keep theirs, as `F0101.AN8`, the way requests name them."""
    prefix = f"{table}_"
    return [key[len(prefix) :] if key.startswith(prefix) else ".".join(key.rsplit("_", 1)) for key in keys]


def _kind(value: Any) -> Literal["string", "number", "date"]:
    if isinstance(value, (int, Decimal)):
        return "number"
    return "date" if value == _DISCOVERY_DATE else "string"


def _server_time(text: Any) -> datetime | None:
    try:
        # The server's local clock; the answer names no zone.
        return datetime.strptime(str(text), "%Y-%m-%d:%H.%M.%S")  # noqa: DTZ007 (JDE tells no zone)
    except ValueError:
        return None


def _next_link(links: Any, table: str, token: str) -> NextLink | None:
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "next" and link.get("href"):
            return NextLink(table, str(link["href"]), token)
    return None


def _minutes(value: Any) -> int | None:
    try:
        minutes = int(str(value).strip())
    except ValueError:
        return None
    return minutes * 60 if minutes > 0 else None


def _flag(value: Any) -> bool:
    return str(value).strip().lower() != "false"
