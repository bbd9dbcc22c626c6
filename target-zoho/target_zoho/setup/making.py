"""Making fields, safely beside other processes that make the same ones.

Zoho takes a label once in a module, so two set-ups cannot make a field twice: the later one is refused, looks again and
finds the field. Fields and picklist values that were there before are never renamed, changed or deleted.
"""

from __future__ import annotations

import time
import typing as t

from service_calls import LostAnswerError, NotSentError
from sync_ledger.errors import ConfigError, ServiceUnavailableError

from target_zoho.answers import RefusedError
from target_zoho.picklists import add_values
from target_zoho.refusals import concerning
from target_zoho.setup.wanted import lacking

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_zoho.client import ZohoClient
    from target_zoho.setup.wanted import Lacking, Wanted

FIELDS_PER_CALL: t.Final = 5
"""Fields one call makes at most ("Create Custom Fields")."""

ROUNDS: t.Final = 4
_WAIT_SECONDS: t.Final = 2.0


class Maker:
    """Makes fields and picklist values in one organisation.

    Args:
        client: Client of the organisation.
        told: Is told of everything made.
        sleep: Waits that many seconds.
    """

    def __init__(
        self, client: ZohoClient, told: Callable[[str], None], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._told = told
        self._sleep = sleep

    def examine(self, wanted: Sequence[Wanted]) -> dict[str, Lacking]:
        """Return module -> what it lacks of the wanted fields."""
        by_module: dict[str, list[Wanted]] = {}
        for one in wanted:
            by_module.setdefault(one.module, []).append(one)
        return {module: lacking(fields, self._metadata(module)) for module, fields in by_module.items()}

    def make(self, module: str, wanted: Sequence[Wanted]) -> None:
        """Make what a module lacks.

        Raises:
            ConfigError: If Zoho does not allow it.
            ServiceUnavailableError: If it does not answer.
        """
        asked: dict[Wanted, None] = {}
        problems: list[str] = []
        for number in range(ROUNDS):
            missing = lacking(wanted, self._metadata(module))
            if not missing:
                break
            if number:
                if problems:
                    raise ConfigError(
                        f"Zoho does not make fields of {module}: {'; '.join(problems)}; let an administrator run setup,"
                        " or make room under the edition's limit of custom fields"
                    )
                self._sleep(_WAIT_SECONDS)
            for start in range(0, len(missing.fields), FIELDS_PER_CALL):
                part = missing.fields[start : start + FIELDS_PER_CALL]
                asked.update(dict.fromkeys(part))
                problems += self._make(module, part)
            for one, field_id, values in missing.options:
                self._add(one, field_id, values)
        else:
            raise ServiceUnavailableError(f"fields of {module} were made, but Zoho does not show them; run setup again")
        for one in asked:
            self._told(f"made {one}")

    def _metadata(self, module: str) -> list[Mapping[str, t.Any]]:
        with concerning(f"the fields of {module}"):
            return list((self._client.get("/settings/fields", {"module": module}).data or {}).get("fields") or [])

    def _make(self, module: str, part: Sequence[Wanted]) -> list[str]:
        """Make up to five fields and return what Zoho says of those it refuses. A lost answer says nothing."""
        body = {"fields": [one.definition() for one in part]}
        try:
            items = self._client.write("POST", "/settings/fields", body, params={"module": module}).data["fields"]
        except RefusedError as error:
            if len(part) > 1:  # one that others have made meanwhile, or that is not allowed, must not keep the rest
                return [problem for one in part for problem in self._make(module, [one])]
            return [f"{part[0].label}: {error.text or error.code}"]
        except LostAnswerError:
            return []
        except NotSentError as error:
            raise ServiceUnavailableError(f"cannot make fields of {module}: {error}; run setup again") from None
        return [
            f"{one.label}: {item.get('message') or item.get('code')} ({item.get('code')})"
            for one, item in zip(part, items, strict=False)
            if item.get("status") != "success"
        ]

    def _add(self, one: Wanted, field_id: str, values: Sequence[str]) -> None:
        try:
            add_values(self._client, one.module, one.label, field_id, values)
        except RefusedError as error:
            raise ConfigError(
                f"Zoho does not add {', '.join(values)} to {one.module}: {one.label}: {error.text or error.code}"
            ) from None
        self._told(f"added values to {one.module}: {one.label}: {', '.join(values)}")
