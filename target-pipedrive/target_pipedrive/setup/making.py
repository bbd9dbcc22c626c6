"""Making fields, safely beside other processes that make the same ones.

Pipedrive lets two fields have one label, and nothing on its side keeps two set-ups apart. So every label is looked for
right before its field is made and once more afterwards. Whoever then finds a second field of that label beside the one
it has made a moment ago takes its own back, waits for a time of its own, and looks again. Fields and options that were
there before are never renamed, changed or deleted.
"""

from __future__ import annotations

import random
import time
import typing as t

from service_calls import LostAnswerError, NotSentError
from sync_ledger.errors import ConfigError, ServiceUnavailableError

from target_pipedrive.answers import RefusedError
from target_pipedrive.entities import ENTITIES
from target_pipedrive.setup.wanted import lacking, same_label

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_pipedrive.client import PipedriveClient
    from target_pipedrive.setup.wanted import Lacking, Wanted

ROUNDS: t.Final = 6
LONGEST_WAIT_SECONDS: t.Final = 3.0


class Maker:
    """Makes fields and options in one account.

    Args:
        client: Client of the account.
        told: Is told of everything made.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        client: PipedriveClient,
        told: Callable[[str], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._told = told
        self._sleep = sleep

    def examine(self, wanted: Sequence[Wanted]) -> dict[str, Lacking]:
        """Return entity -> what the account lacks of the wanted fields."""
        by_entity: dict[str, list[Wanted]] = {}
        for one in wanted:
            by_entity.setdefault(one.entity, []).append(one)
        return {entity: lacking(fields, self._metadata(entity)) for entity, fields in by_entity.items()}

    def make(self, entity: str, wanted: Sequence[Wanted]) -> None:
        """Make what an entity lacks.

        Raises:
            ConfigError: If Pipedrive does not allow it, or others keep making the same fields.
            ServiceUnavailableError: If it does not answer.
        """
        made: dict[str, str] = {}
        for _ in range(ROUNDS):
            missing = lacking(wanted, self._metadata(entity))
            for one in missing.fields:
                code = self._make_field(one)
                if code is not None:
                    made[one.label] = code
            for one, code, labels in missing.options:
                self._add_options(one, code, labels)
            if not missing:
                break
            metadata = self._metadata(entity)
            twice = [label for label in made if len(same_label(metadata, label)) > 1]
            for label in twice:
                self._take_back(entity, made.pop(label))
            if not twice and not lacking(wanted, metadata):
                break
            self._sleep(random.uniform(0.1, LONGEST_WAIT_SECONDS))  # noqa: S311 - to get out of step, not for secrets
        else:
            raise ConfigError(f"fields of {entity} are made by others at the same time; run setup again later")
        for one in wanted:
            if one.label in made:
                self._told(f"made {one}")

    def _metadata(self, entity: str) -> list[Mapping[str, t.Any]]:
        path = ENTITIES[entity].fields_path or ""
        return [item for page in self._client.pages(path) for item in page.data or []]

    def _make_field(self, one: Wanted) -> str | None:
        """Make a field and return its key; None when the answer was lost, so that the next look tells."""
        body: dict[str, t.Any] = {"field_name": one.label, "field_type": one.type}
        if one.options:
            body["options"] = [{"label": label} for label in one.options]
        data = self._send("POST", ENTITIES[one.entity].fields_path or "", body, f"make the field {one}")
        return str(data["field_code"]) if isinstance(data, dict) and data.get("field_code") else None

    def _add_options(self, one: Wanted, code: str, labels: Sequence[str]) -> None:
        body = [{"label": label} for label in labels]
        path = f"{ENTITIES[one.entity].fields_path}/{{field_code}}/options"
        words = f"add {', '.join(labels)} to {one.entity}: {one.label}"
        if self._send("POST", path, body, words, id_=code) is not None:
            self._told(f"added options to {one.entity}: {one.label}: {', '.join(labels)}")

    def _take_back(self, entity: str, code: str) -> None:
        path = f"{ENTITIES[entity].fields_path}/{{field_code}}"
        self._send("DELETE", path, None, f"take back the field {code} of {entity}, made a moment ago", id_=code)

    def _send(self, method: str, path: str, body: t.Any, words: str, *, id_: str | None = None) -> t.Any:
        try:
            return self._client.write(method, path, body, id_=id_).data
        except RefusedError as error:
            raise ConfigError(
                f"Pipedrive does not let this user {words}: {error.text or error.code}; let an administrator (by OAuth:"
                " an app with the scope admin) run setup, or make room under the plan's limit of custom fields"
            ) from None
        except LostAnswerError:
            return None
        except NotSentError as error:
            raise ServiceUnavailableError(f"cannot {words}: {error}; run setup again") from None
