"""Finding the handler of a request: path templates by method and number of segments."""

from __future__ import annotations

from typing import Generic, TypeVar

R = TypeVar("R")


class RouteTable(Generic[R]):
    """Routes of one service; a placeholder of a template is written `{name}`."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], R]]] = {}

    def add(self, method: str, path: str, route: R) -> None:
        """Adds a route. Literal templates are looked at before those with placeholders.

        Args:
            method: HTTP method.
            path: template, for example `/deals/{id}`.
            route: what `match` returns for it.
        """
        template = tuple(path.strip("/").split("/"))
        found = self._routes.setdefault((method, len(template)), [])
        found.append((template, route))
        # The leftmost literal wins: /deals/archived before /deals/{id}, /settings/fields before /{module}/deleted.
        found.sort(key=lambda item: [part[0] == "{" for part in item[0]])

    def match(self, method: str, segments: list[str]) -> tuple[R | None, dict[str, str]]:
        """Returns the route of a path and the values of its placeholders; None when there is none."""
        for template, route in self._routes.get((method, len(segments)), ()):
            args: dict[str, str] = {}
            for part, segment in zip(template, segments, strict=True):
                if part[0] == "{":
                    args[part[1:-1]] = segment
                elif part != segment:
                    break
            else:
                return route, args
        return None, {}
