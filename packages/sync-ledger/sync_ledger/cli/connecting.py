"""From a command of `sync-ledger` to the live service: the target itself, with the settings it runs with.

A target is found by its name in the entry point group `sync_ledger.targets`, so that the ledger's command knows no
plug-in; the name stands in the ledger with every run and plan.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from importlib.metadata import entry_points
from pathlib import Path

import typer
from secret_references import without_secrets
from singer_sdk.exceptions import ConfigValidationError

from sync_ledger.errors import ConfigError, SyncError
from sync_ledger.settings import check_environment
from sync_ledger.target import UpsertTarget

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sync_ledger.engine.engine import UpsertEngine

GROUP = "sync_ledger.targets"
ENVIRONMENT = "ENV"
_RULES = ("external_id_field", "match_rules", "adopt", "field_rules", "deletions", "masked_fields")
"""Settings that decide what is written, and what the ledger keeps of it."""

Config = t.Annotated[
    list[str] | None,
    typer.Option("--config", help="Settings of the target: a JSON file, or ENV; may be given several times."),
]


def run_on(
    destination: str,
    target_name: str,
    config: Sequence[str] | None,
    ledger_url: str,
    work: Callable[[UpsertEngine], None],
) -> int:
    """Let a target's engine do something on an account in a run of its own; return the number of the run.

    Raises:
        ConfigError: If the settings lead to another account.
        SyncError: If the run could not go on.
    """
    target = connect(target_name, config, ledger_url=ledger_url)
    if target.destination.name != destination:
        mine = target.destination.name
        target.destination.close()
        raise ConfigError(
            f"This is for {destination}, but the settings of {target_name} lead to {mine}; give others with --config"
        )
    engine = target.engine
    status, error = "failed", None
    try:
        work(engine)
        status = "succeeded"
    except SyncError as problem:
        error = str(problem)
        raise
    except KeyboardInterrupt:
        status = "stopped"
        raise
    finally:
        engine.end(status, error)
    return engine.run_id


def connect(target_name: str, config: Sequence[str] | None, *, ledger_url: str) -> UpsertTarget:
    """Return a target with its settings, not opened yet; its `destination` and `engine` work.

    Args:
        target_name: Name of the target, such as `target-pipedrive`.
        config: Where its settings are: JSON files and, for the environment, `ENV`; later ones win. The environment if
            nothing is given.
        ledger_url: Ledger the command works on, in place of the one in the settings.

    Raises:
        ConfigError: If there is no such target here, or its settings are missing or wrong, or some of them stand where
            only Meltano reads them.
    """
    kind = _target(target_name)
    if not config:
        _check_project(target_name, kind)
    # What a command does is decided by the command, not by the mode the target is set to run in.
    return configured(kind, config, ledger_url=ledger_url, mode="apply")


def configured(kind: type[UpsertTarget], config: Sequence[str] | None, **own: t.Any) -> UpsertTarget:
    """Return a target of a kind with its settings, not opened yet.

    Args:
        kind: The target.
        config: Where its settings are, as for `connect`.
        own: Settings that take the place of those found.

    Raises:
        ConfigError: If its settings are missing or wrong.
    """
    given: dict[str, t.Any] = {}
    for source in config or [ENVIRONMENT]:
        if source != ENVIRONMENT:
            given.update(_read(source))
        else:
            check_environment(kind.config_jsonschema, kind._env_var_prefix)  # noqa: SLF001 - no public name in the SDK
            given.update(t.cast("dict[str, t.Any]", kind._env_var_config))  # noqa: SLF001
    given.update(own)
    try:
        return kind(config=given, validate_config=True)
    except ConfigValidationError as error:
        problems = "; ".join(without_secrets(problem, given, kind.config_jsonschema) for problem in error.errors)
        raise ConfigError(
            f"{kind.name} cannot run with these settings: {problems}. Give the target's settings with --config FILE,"
            " or in the environment"
        ) from None


def _without_others(lines: Iterable[str], target_name: str) -> Iterator[str]:
    """Return the lines of a project file without the definitions of other targets.

    Args:
        lines: The file.
        target_name: The target meant.
    """
    others = {one.name for one in entry_points(group=GROUP)} - {target_name}
    skipped: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if skipped is not None and line.strip() and indent <= skipped:
            skipped = None
        name = re.match(r"\s*- name: ['\"]?([\w-]+)", line)
        if skipped is None and name and name[1] in others:
            skipped = indent
        if skipped is None:
            yield line


def _check_project(target_name: str, kind: type[UpsertTarget]) -> None:
    """Refuse to go on without the rules of a Meltano project: what they keep from being written would be written.

    Meltano alone can read its file as a whole (environments, jobs, inheritance), so it is only looked whether one of
    these settings stands there, and not in the environment.
    """
    file = Path(os.environ.get("MELTANO_PROJECT_ROOT", "")) / "meltano.yml"
    if "MELTANO_LOADER_NAME" in os.environ or not file.is_file():
        return
    text = "\n".join(_without_others(file.read_text("utf-8").splitlines(), target_name))
    given = re.findall(rf"^\s*({'|'.join(_RULES)}):", text, re.MULTILINE)
    prefix = kind._env_var_prefix  # noqa: SLF001 - no public name in the SDK
    left_out = [name for name in _RULES if name in given and f"{prefix}{name.upper()}" not in os.environ]
    if left_out:
        raise ConfigError(
            f"{file.name} sets {', '.join(left_out)}, which sync-ledger does not read there: run this command through "
            f"Meltano, such as `meltano invoke {target_name}:apply`, or give the target's settings with --config FILE "
            "(--config ENV: those in the environment are all)"
        )


def _target(name: str) -> type[UpsertTarget]:
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = f"there are {', '.join(sorted(found))}" if found else "there are none"
        raise ConfigError(
            f"{name} is not installed beside sync-ledger ({known}); run sync-ledger from the target's environment"
        )
    kind = found[name].load()
    if not (isinstance(kind, type) and issubclass(kind, UpsertTarget)):
        raise ConfigError(f"{name} is no target that keeps a ledger")
    return kind


def _read(path: str) -> dict[str, t.Any]:
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        # What the file holds is not repeated: it may be a secret.
        raise ConfigError(f"--config {path} does not hold a JSON object")
    return found
