"""References in the settings of plug-ins made with the Singer SDK, which they bring themselves."""

from __future__ import annotations

from typing import ClassVar

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import PluginBase

from secret_references.errors import SecretError
from secret_references.settings import resolved, without_secrets


class SecretSettings(PluginBase):
    """Base of a plug-in, before the SDK's own, whose secret settings may be references.

    They are resolved when the plug-in is made, before its settings are checked; what was given is left as it is, and
    what the check says shows no secret (singer-sdk 0.54.9 quotes values).

    Attributes:
        settings_error: What the plug-in raises for a setting that is wrong.
    """

    settings_error: ClassVar[type[Exception]] = SecretError

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        try:
            self._config = resolved(self._config, self.config_jsonschema)
        except SecretError as error:
            raise self.settings_error(str(error)) from None
        try:
            return [self._masked(one) for one in super()._validate_config(raise_errors=raise_errors)]
        except ConfigValidationError as error:
            problems = [self._masked(one) for one in error.errors]
            raise ConfigValidationError(str(error), errors=problems, schema=error.schema) from None

    def _masked(self, problem: str) -> str:
        return without_secrets(problem, self._config, self.config_jsonschema)
