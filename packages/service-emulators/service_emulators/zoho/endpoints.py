"""The list of what answers calls. A new API class goes in here (see the docstring of the package)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from service_emulators.zoho.bulk.api import BulkApi
from service_emulators.zoho.coql.api import CoqlApi
from service_emulators.zoho.deleted import DeletedApi
from service_emulators.zoho.fields_api import FieldsApi
from service_emulators.zoho.reading import ReadingApi
from service_emulators.zoho.search import SearchApi
from service_emulators.zoho.settings_api import SettingsApi
from service_emulators.zoho.watch.api import WatchApi
from service_emulators.zoho.writing import WritingApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.zoho.calls import Route
    from service_emulators.zoho.parts import Parts


class Api(Protocol):
    """Some endpoints that belong together."""

    def routes(self) -> dict[str, Route]:
        """Returns the routes by `METHOD path`."""


APIS: tuple[Callable[[Parts], Api], ...] = (
    SettingsApi,
    FieldsApi,
    WritingApi,
    ReadingApi,
    SearchApi,
    DeletedApi,
    CoqlApi,
    BulkApi,
    WatchApi,
)


def routes_of(apis: list[Api]) -> dict[str, Route]:
    """Returns all routes of the service by `METHOD path`."""
    return {key: route for api in apis for key, route in api.routes().items()}
