"""Making columns and alternate keys, safely beside other processes that make the same ones.

Dataverse takes a name once in a table, so two set-ups cannot make a column twice: the later one is refused, looks again
and finds it. What was there before is never renamed, changed or deleted.
"""

from __future__ import annotations

import time
import typing as t

from service_calls import LostAnswerError, NotSentError
from sync_ledger.errors import ConfigError, ServiceUnavailableError

from target_dynamics.answers import RefusedError
from target_dynamics.holders import find_column
from target_dynamics.metadata_reading import metadata_of
from target_dynamics.setup import definitions
from target_dynamics.setup.keys import TIME_LIMIT_SECONDS, failure, shared, wait_for
from target_dynamics.setup.wanted import lacking

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_dynamics.client import DynamicsClient
    from target_dynamics.metadata import Key
    from target_dynamics.setup.wanted import Lacking, Wanted
    from target_dynamics.tables import Table, Tables

ROUNDS: t.Final = 4
_WAIT_SECONDS: t.Final = 5.0
"""A change of the schema takes 3 to 30 s to be seen everywhere (Dataverse sheet section 9)."""


class Maker:
    """Makes columns and keys in one environment.

    Args:
        client: Client of the environment.
        tables: Its tables.
        told: Is told of everything made.
        prefix: Prefix of the publisher.
        solution: Unique name of the solution they go into; None for the default one.
        seconds: How long the building of an index may take.
        sleep: Waits that many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: DynamicsClient,
        tables: Tables,
        told: Callable[[str], None],
        *,
        prefix: str,
        solution: str | None = None,
        seconds: float = TIME_LIMIT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._tables = tables
        self._told = told
        self._prefix = prefix
        self._solution = solution
        self._headers = {"MSCRM.SolutionUniqueName": solution} if solution else {}
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock

    def examine(self, wanted: Sequence[Wanted]) -> dict[str, Lacking]:
        """Return entity set -> what its table lacks of the wanted columns."""
        by_entity: dict[str, list[Wanted]] = {}
        for one in wanted:
            by_entity.setdefault(one.entity, []).append(one)
        return {entity: self._lacking(entity, columns) for entity, columns in by_entity.items()}

    def make(self, entity: str, wanted: Sequence[Wanted]) -> None:
        """Make what a table lacks, and wait until its alternate key works.

        Raises:
            ConfigError: If Dataverse does not allow it, or rows share a value of the key.
            ServiceUnavailableError: If it does not answer, or does not show what was made.
        """
        table = self._tables.of_set(entity)
        problems: list[str] = []
        for number in range(ROUNDS):
            missing = self._lacking(entity, wanted)
            if number:
                if not missing.columns and not missing.keys and not missing.options:
                    break
                if problems:
                    raise ConfigError(
                        f"Dataverse does not make columns of {entity}: {'; '.join(problems)}; give the application user"
                        " the role System Customizer, or let an administrator run setup"
                    )
                self._sleep(_WAIT_SECONDS)
            for one in missing.columns:
                problems += self._column(table, one)
            for name in missing.keys if not problems else ():
                problems += self._key(table, name, _label(wanted))
            for one, name, labels in missing.options:
                problems += self._options(table, one, name, labels)
            for key in missing.failed:
                self._again(table, key)
        else:
            raise ServiceUnavailableError(
                f"columns of {entity} were made, but Dataverse does not show them; run setup again"
            )
        for one in wanted:
            if one.key:
                self._wait(entity, one)

    def _lacking(self, entity: str, wanted: Sequence[Wanted]) -> Lacking:
        return lacking(wanted, metadata_of(self._client, self._tables.of_set(entity).logical), self._prefix)

    def _wait(self, entity: str, one: Wanted) -> None:
        table = self._tables.of_set(entity)
        names = find_column(metadata_of(self._client, table.logical), one.label, self._prefix)
        if len(names) != 1:
            return  # in the way: examine has told
        wait_for(
            self._client,
            table,
            names[0],
            self._told,
            seconds=self._seconds,
            sleep=self._sleep,
            clock=self._clock,
        )

    def _column(self, table: Table, one: Wanted) -> list[str]:
        body = definitions.column(one.label, one.type, one.options, self._prefix)
        problems = self._post(f"{_path(table)}/Attributes", body, str(one))
        if not problems:
            self._told(f"made {one}")
        return problems

    def _key(self, table: Table, name: str, label: str) -> list[str]:
        problems = self._post(f"{_path(table)}/Keys", definitions.key(name, label), f"{table.entity}: key on {name}")
        if not problems:
            self._told(f"made {table.entity}: alternate key on {name}")
        return problems

    def _options(self, table: Table, one: Wanted, name: str, labels: Sequence[str]) -> list[str]:
        problems: list[str] = []
        for label in labels:
            body = definitions.option(table.logical, name, label, self._solution)
            problems += self._post("/InsertOptionValue", body, f"{one.entity}: {one.label}, option {label}")
        if not problems:
            self._told(f"added options to {one.entity}: {one.label}: {', '.join(labels)}")
        return problems

    def _again(self, table: Table, key: Key) -> None:
        """Build the index of a key anew, once nothing is in its way.

        Raises:
            ConfigError: If rows share a value.
        """
        (column,) = key.columns
        if shared(self._client, table, column):
            raise ConfigError(failure(self._client, table, column))
        body = {"EntityLogicalName": table.logical, "EntityKeyLogicalName": key.name}
        problems = self._post("/ReactivateEntityKey", body, f"{table.entity}: key on {column}")
        if problems:
            raise ConfigError(f"Dataverse does not build the index anew: {'; '.join(problems)}")
        self._told(f"{table.entity}: the index on {column} is built anew")

    def _post(self, path: str, body: Mapping[str, t.Any], what: str) -> list[str]:
        """Send a definition and return what Dataverse says if it refuses it. A lost answer says nothing."""
        try:
            self._client.write("POST", path, body, headers=self._headers)
        except RefusedError as error:
            return [f"{what}: {error}"]
        except LostAnswerError:
            return []
        except NotSentError as error:
            raise ServiceUnavailableError(f"cannot make {what}: {error}; run setup again") from None
        return []


def _path(table: Table) -> str:
    return f"/EntityDefinitions(LogicalName='{table.logical}')"


def _label(wanted: Sequence[Wanted]) -> str:
    return next(one.label for one in wanted if one.key)
