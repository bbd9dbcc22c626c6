"""The Singer plug-in as the SDK makes it: command line, settings and what `--about` tells of them.

A run needs it only for what `sync_mapper.start` leaves to it.
"""

from __future__ import annotations

import typing as t

import click
from singer_sdk import typing as th
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.plugin_base import PluginBase

from sync_mapper import running
from sync_mapper.mapper import GUARD_PERCENT

if t.TYPE_CHECKING:
    from singer_sdk.plugin_base import _ConfigInput


class SyncMapperPlugin(PluginBase):
    """Meltano mapper with Singer stream maps that never stops a run for one bad row."""

    name = "sync-mapper"
    package_name = "sync-mapper"
    capabilities = InlineMapper.capabilities
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = th.PropertiesList(
        th.Property(
            "mapping_file",
            th.StringType,
            title="Mapping file",
            description=(
                "YAML file with `stream_maps` and, if wanted, `stream_map_config`. A relative path counts from the "
                "working directory, then from Meltano's project. A stream in the setting `stream_maps` takes the "
                "place of the file's stream of that name."
            ),
        ),
        # Declared here in place of the SDK's: its schema of the maps refuses a wrong one with a traceback instead of a
        # message (singer-sdk 0.54.9); `definitions.check` says what is wrong and where.
        th.Property(
            "stream_maps",
            th.ObjectType(additional_properties=True),
            title="Stream maps",
            description="Inline stream maps, see https://sdk.meltano.com/en/latest/stream_maps.html.",
        ),
        th.Property(
            "expressions",
            th.ObjectType(additional_properties=True),
            title="Expressions",
            description="Names with expressions that other expressions use by that name, beside those of the file.",
        ),
        th.Property(
            "code_tables",
            th.ObjectType(additional_properties=True),
            title="Code tables",
            description="Names with texts of codes, or where they are, beside those of the file.",
        ),
        th.Property(
            "destination_snapshot",
            th.StringType,
            title="Snapshot of the destination",
            description=(
                "JSON file with the destination's fields, as `TARGET describe` prints them; what goes on is checked "
                "against it at the start. A relative path counts like that of `mapping_file`."
            ),
        ),
        th.Property(
            "unmapped_guard_percent",
            th.IntegerType(minimum=0, maximum=100),
            default=GUARD_PERCENT,
            title="Guard of unmapped rows",
            description=(
                "Stop when more than so many percent of the rows for a stream (of 100 or more) could not be mapped; 0 "
                "never stops."
            ),
        ),
    ).to_dict()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line, which is that of the SDK's mappers."""
        command = super().get_singer_command()
        command.help = "Execute the Singer mapper."
        command.params.append(
            click.Option(
                ["--input", "file_input"],
                help="A path to read messages from instead of from standard in.",
                type=click.File("r"),
            )
        )
        return command

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's mappers do
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: t.IO[str] | None = None,
    ) -> None:
        """Run from the command line."""
        super().invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        given = {} if config is None else config.config
        plugin = cls(config=given, parse_env_config=config is not None and config.parse_env)
        running.run(dict(plugin.config), file_input)
