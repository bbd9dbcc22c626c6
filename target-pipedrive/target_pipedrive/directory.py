"""What an account names by words: its users, pipelines, stages and activity types.

Each list is asked for when the first row needs it and kept for the run; a run whose mapping gives no owner pays nothing
for the list of users.
"""

from __future__ import annotations

import threading
import typing as t
from collections import Counter
from collections.abc import Mapping

from target_pipedrive.entity import Names

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_pipedrive.client import PipedriveClient

_Load: t.TypeAlias = "Callable[[], dict[t.Any, t.Any]]"


class Listed(Mapping[t.Any, t.Any]):
    """A mapping that is asked for at its first use.

    Args:
        load: Asks for it.
        fold: Brings a key into the form it is kept in.
    """

    def __init__(self, load: _Load, fold: Callable[[t.Any], t.Any] = lambda key: key) -> None:
        self._load = load
        self._fold = fold
        self._lock = threading.Lock()
        self._known: dict[t.Any, t.Any] | None = None

    def __getitem__(self, key: t.Any) -> t.Any:
        return self._all()[self._fold(key)]

    def __iter__(self) -> Iterator[t.Any]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return True

    def forget(self) -> None:
        """Ask anew at the next use."""
        with self._lock:
            self._known = None

    def _all(self) -> dict[t.Any, t.Any]:
        with self._lock:
            if self._known is None:
                self._known = self._load()
            return self._known


class Directory:
    """The lists of one account.

    Args:
        client: Client of the account.
    """

    def __init__(self, client: PipedriveClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._me: Mapping[str, t.Any] | None = None
        self.users = Listed(self._users, lambda key: str(key).strip().casefold())
        self.activity_types = Listed(self._activity_types)
        self.pipelines = Listed(self._pipelines)
        self.stages = Listed(self._stages)
        self.stages_by_pipeline = Listed(self._stages_by_pipeline)
        self._stage_records = Listed(self._read_stages)
        self._pipeline_records = Listed(self._read_pipelines)

    def me(self) -> Mapping[str, t.Any]:
        """Return what `/users/me` says, asked once.

        Raises:
            RefusedError: If there is no such answer at that address.
        """
        with self._lock:
            if self._me is None:
                data = self._client.read("/v1/users/me").data
                self._me = data if isinstance(data, dict) else {}
            return self._me

    def of(self, names: Names) -> Listed:
        """Return a list: name -> id."""
        return {
            Names.USERS: self.users,
            Names.PIPELINES: self.pipelines,
            Names.STAGES: self.stages,
            Names.ACTIVITY_TYPES: self.activity_types,
        }[names]

    def forget_pipelines(self) -> None:
        """Ask for pipelines and stages anew: this run has written some."""
        for listed in (
            self.pipelines,
            self.stages,
            self.stages_by_pipeline,
            self._stage_records,
            self._pipeline_records,
        ):
            listed.forget()

    def _users(self) -> dict[str, int]:
        found = self._client.listed("/v1/users")
        return {str(user["email"]).strip().casefold(): int(user["id"]) for user in found if user.get("active_flag")}

    def _activity_types(self) -> dict[str, str]:
        found = [one for one in self._client.listed("/v1/activityTypes") if one.get("active_flag")]
        by_name = {str(one["name"]): str(one["key_string"]) for one in found}
        return {**by_name, **{key: key for key in by_name.values()}}

    def _read_pipelines(self) -> dict[int, str]:
        return {int(one["id"]): str(one["name"]) for page in self._client.pages("/v2/pipelines") for one in page.data}

    def _read_stages(self) -> dict[int, tuple[int, str]]:
        pages = self._client.pages("/v2/stages")
        return {int(one["id"]): (int(one["pipeline_id"]), str(one["name"])) for page in pages for one in page.data}

    def _pipelines(self) -> dict[str, int]:
        return _unique((name, number) for number, name in self._pipeline_records.items())

    def _stages(self) -> dict[str, int]:
        """Name the stages: by their name where only one has it, and by `pipeline / stage`."""
        stages = list(self._stage_records.items())
        pipelines = self._pipeline_records
        full = _unique(
            (f"{pipelines[pipeline]} / {name}", number) for number, (pipeline, name) in stages if pipeline in pipelines
        )
        return {**full, **_unique((name, number) for number, (_, name) in stages)}

    def _stages_by_pipeline(self) -> dict[int, dict[str, int]]:
        found: dict[int, list[tuple[str, int]]] = {}
        for number, (pipeline, name) in self._stage_records.items():
            names = [name, f"{self._pipeline_records.get(pipeline)} / {name}"]
            found.setdefault(pipeline, []).extend((one, number) for one in names)
        return {pipeline: _unique(stages) for pipeline, stages in found.items()}


def _unique(pairs: t.Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the names only one thing has; which of several is meant is never guessed."""
    listed = list(pairs)
    uses = Counter(name for name, _ in listed)
    return {name: number for name, number in listed if uses[name] == 1}
