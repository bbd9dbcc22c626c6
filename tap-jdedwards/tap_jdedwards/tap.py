"""The tap: settings in, streams out, exit code at the end."""

from __future__ import annotations

import atexit
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from click import STRING
from dotenv import find_dotenv
from dotenv.main import DotEnv
from jde_ais import AisClient, AisError, AisUnavailable
from secret_references.singer import SecretSettings
from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue

from tap_jdedwards.composed.codes import CodeTexts
from tap_jdedwards.composed.definition import DefinitionError
from tap_jdedwards.composed.loading import definitions
from tap_jdedwards.composed.offering import composed_stream
from tap_jdedwards.failures import IncompleteRunError, one_line_errors
from tap_jdedwards.inputs import (
    check_config_files,
    check_environment,
    checked_catalog,
    checked_state,
    read_json,
    with_replication_metadata,
)
from tap_jdedwards.readiness import check_readiness
from tap_jdedwards.settings import CONFIG_SCHEMA, SettingsError, TapSettings
from tap_jdedwards.tables import table_stream
from tap_jdedwards.unknown import unknown_settings, unknown_variables
from tap_jdedwards.writer import StdoutWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from jde_ais import Column
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.streams import Stream

    from tap_jdedwards.composed.definition import Definition
    from tap_jdedwards.stream import JdeStream


class TapJDEdwards(SecretSettings, Tap):
    """Reads Oracle JD Edwards EnterpriseOne tables, and documents composed of them, through the AIS Server."""

    name = "tap-jdedwards"
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_SCHEMA
    settings_error = SettingsError
    dynamic_catalog = True
    message_writer_class = StdoutWriter
    # Without BATCH: its files bypass stream maps, the selection of properties and targets that check what they get.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *, catalog: Any = None, **given: Any) -> None:
        """Start the tap.

        Args:
            catalog: A Singer catalog.
            **given: Everything else that the SDK takes.
        """
        known = with_replication_metadata(catalog) if isinstance(catalog, dict) else catalog
        super().__init__(catalog=known, **given)

    @cached_property
    def settings(self) -> TapSettings:
        """The settings as typed values."""
        return TapSettings.from_config(self.config)

    @cached_property
    def client(self) -> AisClient:
        """The one AIS session of this run; logs in at the first request."""
        client = AisClient(self.settings.ais)
        atexit.register(client.close)  # logs out wherever a run ends; each session holds one at the HTML Server
        return client

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Threads that fetch pages while rows are written.

        Half as many again as requests may run at once: while some decode their page, the line is busy with others.
        """
        allowed = self.settings.ais.max_concurrency
        return ThreadPoolExecutor(allowed + (allowed + 1) // 2, thread_name_prefix="ais")

    @cached_property
    def code_texts(self) -> CodeTexts:
        """Descriptions of user defined codes, shared by all streams of this run."""
        return CodeTexts(self.client, self.settings.page_size)

    @cached_property
    def failures(self) -> dict[str, str]:
        """Why streams could not be read, by stream."""
        return {}

    @property
    def unreachable(self) -> bool:
        """Whether the server has gone, so that trying further streams would only take time."""
        return self._unreachable

    _unreachable = False
    _ordered: dict[str, Stream] | None = None

    def note_failure(
        self, stream: str, error: Exception, *, unreachable: bool = False, unexpected: bool = False
    ) -> None:
        """Log that a stream could not be read, and go on with the others.

        Args:
            stream: The stream.
            error: What happened.
            unreachable: Whether the server does not answer at all.
            unexpected: Whether this is a defect of the tap, for which the traceback is wanted.
        """
        self.failures[stream] = str(error)
        text = str(error).removeprefix(f"{stream}: ")
        self._unreachable = self._unreachable or unreachable
        self.logger.error("%s was not read to its end: %s", stream, text, exc_info=error if unexpected else None)

    def note_not_read(self, stream: str) -> None:
        """Log that a stream was not tried because the server has gone.

        Args:
            stream: The stream.
        """
        self.failures[stream] = "not tried"
        self.logger.error("%s was not read: the AIS Server cannot be reached any more", stream)

    def columns(self, table: str) -> list[Column]:
        """Discover the columns of a table, once a run.

        Args:
            table: Table name.

        Returns:
            Its columns.
        """
        return self.client.columns(table)

    def column_names(self, table: str) -> set[str]:
        """List the columns of a table.

        Args:
            table: Table name.

        Returns:
            Their aliases.
        """
        return {column.alias for column in self.columns(table)}

    def discover_streams(self) -> Sequence[JdeStream]:
        """Offer the tables and composed streams of the settings.

        A table that cannot be offered is logged and left out; the run then ends with an error after the others.

        Returns:
            The streams.
        """
        known = self._definitions()
        streams: list[JdeStream] = []
        _ = self.client.user  # a wrong password is told once, not once per table
        for table in self.settings.tables:
            try:
                streams.append(table_stream(self, table))
            except (AisError, ValueError) as error:
                if isinstance(error, AisUnavailable) and not error.reached:
                    raise  # nothing can be offered; to try the next table would only take time
                named = any(setting in str(error) for setting in ("table_keys", "replication_columns"))
                self.note_failure(table, error if named else ValueError(f"{error} (it is named in the setting tables)"))
        for name in self.settings.streams:
            try:
                streams.append(composed_stream(self, name, known))
            except (AisError, ValueError) as error:
                if isinstance(error, AisUnavailable) and not error.reached:
                    raise
                self.note_failure(name, error)
        return streams

    def _definitions(self) -> dict[str, Definition]:
        file = self.settings.definitions_file
        try:
            return definitions(file)
        except DefinitionError as error:
            if file is None or file in str(error):
                raise
            raise SettingsError(f"definitions_file {file}: {error}") from error

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of the settings, tables first.

        The SDK orders them by name, which would send contacts to a CRM before the customers they belong to.
        """
        if self._ordered is None:
            found = super().streams
            order = {name: place for place, name in enumerate([*self.settings.tables, *self.settings.streams])}
            self._ordered = dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))
        return self._ordered

    def run(self) -> None:
        """Read all selected streams.

        Raises:
            IncompleteRunError: At the end, when any of them could not be read.
        """
        try:
            check_readiness(self)
            self.sync_all()
        finally:
            self.close()
        self.check()

    def close(self) -> None:
        """Give up requests under way and log out."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()
        atexit.unregister(self.client.close)

    def check(self) -> None:
        """Raise an error if any stream could not be read.

        Raises:
            IncompleteRunError: Naming the streams.
        """
        if self.failures:
            raise IncompleteRunError(f"not read to their end: {', '.join(sorted(self.failures))}")

    @classmethod
    def invoke(  # type: ignore[override]  # the SDK narrows it the same way
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: str | None = None,
        catalog: str | None = None,
    ) -> None:
        """Run the tap from the command line; errors are one line each.

        Args:
            about: Print settings and capabilities instead.
            about_format: How to print them.
            config: Parsed ``--config`` arguments.
            state: The state file.
            catalog: The catalog file.
        """
        if about:
            cls.print_about(about_format)
            return
        with one_line_errors(cls.logger):
            cls.print_version(print_fn=cls.logger.info)
            tap = cls.from_command_line(
                config,
                state=None if state is None else checked_state(read_json("--state", state)),
                catalog=None if catalog is None else checked_catalog(read_json("--catalog", catalog)),
            )
            tap.run()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Make the command; files are opened by the tap, which tells in one line what is wrong with them.

        Returns:
            The command.
        """
        command = super().get_singer_command()
        for option in command.params:
            if option.name in {"state", "catalog"}:
                option.type = STRING
        return command

    @classmethod
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:  # noqa: ARG003 -- click's way
        """Print the catalog; errors are one line each.

        Args:
            ctx: Command context.
            param: The option.
            value: Whether it was given.
        """
        if not value:
            return
        with one_line_errors(cls.logger):
            tap = cls.from_command_line(ctx.params.get("config"), setup_mapper=False)
            tap.run_discovery()
            tap.close()
        ctx.exit()

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:  # noqa: ARG003 -- click's way
        """Read one record of every stream; any stream that fails makes the test fail.

        Args:
            ctx: Command context.
            param: The option.
            value: ``all``, ``schema`` or ``disabled``.
        """
        if value == CliTestOptionValue.Disabled.value:
            return
        with one_line_errors(cls.logger):
            tap = cls.from_command_line(ctx.params.get("config"))
            try:
                if value == CliTestOptionValue.Schema.value:
                    tap.write_schemas()
                else:
                    tap.run_connection_test()
            finally:
                tap.close()
            tap.check()
        ctx.exit()

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the configuration files; errors are one line each.

        Args:
            ctx: Command context.
            param: The option.
            value: Paths, or ``ENV``.

        Returns:
            The settings given.
        """
        with one_line_errors(cls.logger):
            check_config_files(value)
        return super().cb_config(ctx, param, value)

    @classmethod
    def from_command_line(cls, config: Any, **given: Any) -> TapJDEdwards:
        """Make the tap of what the command line says.

        Args:
            config: Parsed ``--config`` arguments.
            **given: Further arguments of the tap.

        Returns:
            The tap, its settings checked against the schema.

        Raises:
            ConfigValidationError: When the settings do not fit the schema.
            SettingsError: When an environment variable is malformed.
        """
        known = deepcopy(cls.config_jsonschema)
        cls.append_builtin_config(known)
        for line in unknown_settings(known, config.config if config else ()):
            cls.logger.warning("%s", line)
        if config and config.parse_env:
            DotEnv(find_dotenv()).set_as_environment_variables()  # as the SDK is about to do
            check_environment(cls.config_jsonschema, cls._env_var_prefix, os.environ)
            for line in unknown_variables(known, cls._env_var_prefix, os.environ):
                cls.logger.warning("%s", line)
        return cls(config=config.config if config else {}, parse_env_config=bool(config and config.parse_env), **given)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- the signal's way
        """End at once and say so by the exit code.

        The SDK would write one more STATE from inside the signal handler, perhaps in the midst of another message, and
        exit with 0 as if everything had been read. The last STATE written says all there is to know.
        """
        # Not from here: the signal may have come in the midst of a line of the log, and none fits into another.
        atexit.register(
            self.logger.error, "Ended by signal %d before everything was read; the next run goes on", signum
        )
        sys.exit(128 + signum)
