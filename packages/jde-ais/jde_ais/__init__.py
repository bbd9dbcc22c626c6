"""Client of the JD Edwards AIS Server: sessions, typed queries, keyset pages, JDE values.

with AisClient(AisSettings("https://ais.example.com:7077", "TAPUSER", password)) as client:
for page in keyset_pages(client, "F0101", ["AN8", "ALPH"], ["AN8"], key_kinds={"AN8": "number"}):
for row in page.rows:
print(row["AN8"], row["ALPH"].rstrip())
"""

from __future__ import annotations

from jde_ais.answers import Column, KeyPart, Kind, NextLink, Page, ServerConfig, UserInfo
from jde_ais.client import AisClient
from jde_ais.errors import (
    AisAuthError,
    AisConfigError,
    AisError,
    AisProtocolError,
    AisUnavailable,
    OrderNotHonoured,
    ResultSetExpired,
)
from jde_ais.paging import keyset_pages, result_set_pages
from jde_ais.query import (
    AllOf,
    AnyOf,
    BrowseRequest,
    Condition,
    Operator,
    Order,
    Where,
    between,
    contains,
    ends_with,
    eq,
    ge,
    gt,
    in_list,
    is_blank,
    le,
    lt,
    ne,
    not_blank,
    starts_with,
)
from jde_ais.ranges import ranged_pages
from jde_ais.rows import to_typed
from jde_ais.settings import AisSettings
from jde_ais.stripes import Stripes
from jde_ais.values import (
    Value,
    blank_to_none,
    format_date,
    iso_date,
    pad_business_unit,
    parse_date,
    parse_time,
    time_to_int,
    trim,
)

__all__ = [
    "AisAuthError",
    "AisClient",
    "AisConfigError",
    "AisError",
    "AisProtocolError",
    "AisSettings",
    "AisUnavailable",
    "AllOf",
    "AnyOf",
    "BrowseRequest",
    "Column",
    "Condition",
    "KeyPart",
    "Kind",
    "NextLink",
    "Operator",
    "Order",
    "OrderNotHonoured",
    "Page",
    "ResultSetExpired",
    "ServerConfig",
    "Stripes",
    "UserInfo",
    "Value",
    "Where",
    "between",
    "blank_to_none",
    "contains",
    "ends_with",
    "eq",
    "format_date",
    "ge",
    "gt",
    "in_list",
    "is_blank",
    "iso_date",
    "keyset_pages",
    "le",
    "lt",
    "ne",
    "not_blank",
    "pad_business_unit",
    "parse_date",
    "parse_time",
    "ranged_pages",
    "result_set_pages",
    "starts_with",
    "time_to_int",
    "to_typed",
    "trim",
]
