"""The command line of a target that has commands of its own beside it, such as `target-pipedrive doctor`."""

from __future__ import annotations

import importlib
import sys
import typing as t

from secret_references import without_secrets
from singer_sdk.exceptions import ConfigValidationError

from sync_ledger.errors import ConfigError
from sync_ledger.settings import check_environment

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_ledger.ledger_target import LedgerTarget


def run(program: str, target: str, commands: Mapping[str, str], arguments: list[str] | None = None) -> None:
    """Run a target, or the command that is the first argument; `describe` is among every target's.

    Nothing is imported but what runs.

    Args:
        program: Name of the program.
        target: Where the class of the target is, as `module:name`.
        commands: Name -> where its click command is, as `module:name`.
        arguments: Arguments; None for those of this process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    name = given[0] if given else ""
    if name in commands:
        _found(commands[name])(given[1:], prog_name=f"{program} {name}")
        return
    found: type[LedgerTarget[t.Any]] = _found(target)
    if name == "describe":
        # Runs of the target need neither; one that upserts nothing has nothing to describe.
        from sync_ledger.describing import describe_command  # noqa: PLC0415
        from sync_ledger.target import UpsertTarget  # noqa: PLC0415

        if not issubclass(found, UpsertTarget):
            found.cli(given, prog_name=program)
            return
        describe_command(found)(given[1:], prog_name=f"{program} {name}")
        return
    found.cli(given, prog_name=program)


class SettingsError(ConfigError):
    """Settings that are not valid.

    Attributes:
        problems: What is wrong, a line each, without secrets.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_settings(target_class: type[LedgerTarget[t.Any]], config: t.Any) -> Mapping[str, t.Any]:
    """Return the settings of a target, defaults included, for a command beside it.

    Args:
        target_class: The target.
        config: Parsed `--config` arguments.

    Raises:
        SettingsError: If they are not valid.
    """
    given = config.config if config else {}
    parse_env = bool(config and config.parse_env)
    schema = target_class.config_jsonschema
    try:
        if parse_env:
            check_environment(schema, target_class._env_var_prefix)  # noqa: SLF001 - as the target itself does
        target = target_class(config=given, parse_env_config=parse_env, validate_config=True)
    except ConfigValidationError as error:
        raise SettingsError([without_secrets(problem, given, schema) for problem in error.errors]) from None
    except ConfigError as error:
        raise SettingsError([str(error)]) from None
    return target.config


def _found(place: str) -> t.Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
