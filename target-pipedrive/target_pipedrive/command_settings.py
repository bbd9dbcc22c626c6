"""Settings of the commands beside the target: the target's own, given the same ways."""

from __future__ import annotations

import typing as t

from secret_references import without_secrets
from singer_sdk.exceptions import ConfigValidationError
from sync_ledger.errors import ConfigError
from sync_ledger.settings import check_environment

from target_pipedrive.target import TargetPipedrive

if t.TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(ConfigError):
    """Settings that are not valid.

    Attributes:
        problems: What is wrong, a line each, without secrets.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_settings(config: t.Any) -> Mapping[str, t.Any]:
    """Return the settings, defaults included.

    Args:
        config: Parsed `--config` arguments.

    Raises:
        SettingsError: If they are not valid.
    """
    given = config.config if config else {}
    parse_env = bool(config and config.parse_env)
    schema = TargetPipedrive.config_jsonschema
    try:
        if parse_env:
            check_environment(schema, TargetPipedrive._env_var_prefix)  # noqa: SLF001 - as the target itself does
        target = TargetPipedrive(config=given, parse_env_config=parse_env, validate_config=True)
    except ConfigValidationError as error:
        raise SettingsError([without_secrets(problem, given, schema) for problem in error.errors]) from None
    except ConfigError as error:
        raise SettingsError([str(error)]) from None
    return target.config
