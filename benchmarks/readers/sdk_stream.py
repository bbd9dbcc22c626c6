"""A tap as the SDK's template and its guide to pagination would have it: one RESTStream, next links, nothing more."""

from __future__ import annotations

import decimal
import typing as t
from functools import cached_property

import ais
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import BaseHATEOASPaginator

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.streams.rest import HTTPRequest, PageContext

TYPES = {"string": th.StringType, "integer": th.IntegerType, "number": th.NumberType}


class Links(BaseHATEOASPaginator):
    """Follow the server's next links."""

    def get_next_url(self, response: requests.Response) -> str | None:
        """Find the link to the next page."""
        return next((link["href"] for link in response.json()["links"] if link["rel"] == "next"), None)


class LedgerStream(RESTStream[t.Any]):
    """The general ledger, F0911."""

    name = "F0911"
    path = "/dataservice"
    http_method = "POST"
    url_base = ais.URL
    primary_keys = ("F0911_DOC", "F0911_DCT", "F0911_KCO", "F0911_DGJ", "F0911_JELN", "F0911_LT", "F0911_EXTL")
    records_jsonpath = "$.fs_DATABROWSE_F0911.data.gridData.rowset[*]"
    schema = th.PropertiesList(
        *(th.Property(f"F0911_{alias}", TYPES[kind]) for alias, kind in ais.COLUMNS.items())
    ).to_dict()

    @cached_property
    def _token(self) -> dict[str, str]:
        return ais.log_in()

    @property
    def http_headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return self._token

    def get_new_paginator(self) -> Links:
        """Return the pagination."""
        return Links()

    def get_http_request(self, *, page: PageContext[t.Any, t.Any]) -> HTTPRequest:
        """Ask for the first page, or for the link the last one gave."""
        request = super().get_http_request(page=page)
        if page.next_page_token:
            request.url = page.next_page_token.geturl()
        return request

    def prepare_request_payload(self, context: t.Any, next_page_token: t.Any) -> dict[str, t.Any]:  # noqa: ARG002
        """Return the body."""
        return ais.browse(enableNextPageProcessing=True, nextPageTimeInterval="1000", aggregation=ais.by_key())

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, t.Any]]:
        """Yield the rows of a page."""
        yield from extract_jsonpath(self.records_jsonpath, input=response.json(parse_float=decimal.Decimal))


class PlainTap(Tap):
    """The tap around the stream."""

    name = "tap-plain"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList().to_dict()

    def discover_streams(self) -> list[LedgerStream]:
        """Offer the ledger."""
        return [LedgerStream(self)]


if __name__ == "__main__":
    PlainTap.cli()
