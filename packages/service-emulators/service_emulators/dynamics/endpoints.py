"""The list of what answers requests. A new API class goes in here (see the docstring of the package)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from service_emulators.dynamics.batches.batch import BatchApi
from service_emulators.dynamics.batches.multiple import MultipleApi
from service_emulators.dynamics.definitions.csdl import DocumentApi
from service_emulators.dynamics.definitions.reading import DefinitionsApi
from service_emulators.dynamics.definitions.writing import CustomizationApi
from service_emulators.dynamics.duplicates import DuplicatesApi
from service_emulators.dynamics.queries.listing import ListApi
from service_emulators.dynamics.single import SingleApi
from service_emulators.dynamics.who_am_i import CallerApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_emulators.dynamics.calls import Call, Reply
    from service_emulators.dynamics.parts import Parts


class Api(Protocol):
    """Some endpoints that belong together."""

    def routes(self) -> dict[str, Callable[[Call], Reply]]:
        """Returns the routes by `METHOD path`; `/()` in a path stands for brackets behind a name."""


APIS: tuple[Callable[[Parts], Api], ...] = (
    CallerApi,
    SingleApi,
    ListApi,
    BatchApi,
    MultipleApi,
    DuplicatesApi,
    DefinitionsApi,
    CustomizationApi,
    DocumentApi,
)


def routes_of(apis: list[Api]) -> dict[str, Callable[[Call], Reply]]:
    """Returns all routes of the service by `METHOD path`."""
    return {key: handler for api in apis for key, handler in api.routes().items()}
