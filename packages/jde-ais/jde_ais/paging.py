"""Reading whole tables, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from jde_ais.answers import Kind, Page
    from jde_ais.client import AisClient
    from jde_ais.query import BrowseRequest, Where
    from jde_ais.values import Value


def keyset_pages(
    client: AisClient,
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    *,
    key_kinds: Mapping[str, Kind],
    where: Where | None = None,
    after: Sequence[Value] | None = None,
    page_size: int = 1000,
    target_type: Literal["table", "view"] = "table",
) -> Iterator[Page]:
    """Walks a table in the order of a unique key; every page's `last_key` is the position to go on from (`after`)."""
    ...


def result_set_pages(client: AisClient, request: BrowseRequest) -> Iterator[Page]:
    """Reads a result set the server keeps open."""
    ...
