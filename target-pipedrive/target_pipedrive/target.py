"""Singer target that upserts organizations, persons, deals and what belongs to them into Pipedrive."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th
from sync_ledger.errors import ConfigError
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UpsertTarget

from target_pipedrive.adapter import LOOKUP_DELAY_SECONDS, PipedriveDestination
from target_pipedrive.connecting import connect
from target_pipedrive.entities import NOT_WRITTEN

if t.TYPE_CHECKING:
    from singer_sdk.sinks import Sink


class TargetPipedrive(UpsertTarget):
    """Upserts the streams of `target_pipedrive.entities.ENTITIES` by their key properties."""

    name = "target-pipedrive"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = upsert_settings(
        th.Property(
            "api_token",
            th.StringType(min_length=1),
            secret=True,
            title="API token",
            description=(
                "Personal API token of the user the target writes as. Either this, or `client_id`, `client_secret` and"
                " `refresh_token`."
            ),
        ),
        th.Property(
            "client_id",
            th.StringType(min_length=1),
            title="OAuth client ID",
            description="Id of the OAuth app, in place of an API token.",
        ),
        th.Property(
            "client_secret",
            th.StringType(min_length=1),
            secret=True,
            title="OAuth client secret",
            description="Secret of the OAuth app.",
        ),
        th.Property(
            "refresh_token",
            th.StringType(min_length=1),
            secret=True,
            title="OAuth refresh token",
            description=(
                "Refresh token the app was given when it was authorised. Later ones are kept in `token_file`; a new one"
                " set here outranks them."
            ),
        ),
        th.Property(
            "token_file",
            th.StringType(min_length=1),
            default="target-pipedrive-tokens.json",
            title="OAuth token file",
            description=(
                "Where the OAuth tokens in use are kept (relative to the working directory), readable by its owner"
                " alone; processes on one machine may share it."
            ),
        ),
        th.Property(
            "oauth_url",
            th.StringType,
            title="OAuth address",
            description="Base address in place of `https://oauth.pipedrive.com`, for an emulator or a proxy.",
        ),
        th.Property(
            "company_domain",
            th.StringType,
            title="Company domain",
            description=(
                "The `acme` of `https://acme.pipedrive.com`. Optional; when given, the run ends if the token belongs to"
                " another company."
            ),
        ),
        th.Property(
            "api_url",
            th.StringType,
            title="API address",
            description="Base address in place of Pipedrive's own, for an emulator or a proxy.",
        ),
        th.Property(
            "external_id_field",
            th.StringType(min_length=1),
            default="JDE Number",
            title="External ID field",
            description="Label of the custom text field, in every entity written, that holds the external ID.",
        ),
        th.Property(
            "custom_fields",
            th.ObjectType(),
            title="Custom fields",
            description=(
                "Fields `target-pipedrive setup` makes where they are missing, beside the external ID field: stream ->"
                " label -> type, or `{type: enum, options: [...]}`."
            ),
        ),
        th.Property(
            "max_concurrency",
            th.IntegerType(minimum=1, maximum=64),
            default=8,
            title="Concurrency",
            description="Writes under way at the same time; the account's burst limit holds in any case.",
        ),
        th.Property(
            "request_timeout_seconds",
            th.IntegerType(minimum=1),
            default=30,
            title="Time limit",
            description="How long Pipedrive may take to answer one request, in seconds.",
        ),
        th.Property(
            "lookup_delay_seconds",
            th.IntegerType(minimum=0),
            default=LOOKUP_DELAY_SECONDS,
            title="Look-up delay",
            description=(
                "How long to wait before looking whether a create without an answer happened, in seconds; five times"
                " as long after a time-out."
            ),
        ),
    )

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Return the sink of a stream; what Pipedrive has but cannot be written is refused with what to do instead."""
        if stream_name in NOT_WRITTEN and self.config["on_unknown_stream"] != "skip":
            raise ConfigError(
                f"Stream {stream_name!r} cannot be written to Pipedrive by {self.name}: {NOT_WRITTEN[stream_name]}. "
                "Map the stream to null in the mapping, or set on_unknown_stream to skip"
            )
        return super().get_sink_class(stream_name)

    def connect(self) -> PipedriveDestination:
        """Return the account the settings name; nothing is sent yet."""
        client = connect(self.config)
        return PipedriveDestination(
            client,
            self.config["external_id_field"],
            concurrency=self.config["max_concurrency"],
            company_domain=self.config.get("company_domain"),
            lookup_delay_seconds=self.config["lookup_delay_seconds"],
        )


if __name__ == "__main__":
    TargetPipedrive.cli()
