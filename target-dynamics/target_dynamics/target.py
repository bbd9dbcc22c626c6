"""Singer target that upserts accounts, contacts and rows of any other table into Dynamics 365 (Dataverse)."""

from __future__ import annotations

import difflib
import typing as t

from singer_sdk import typing as th
from sync_ledger.errors import ConfigError
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UNMAPPED_STREAM, UpsertTarget

from target_dynamics.adapter import Choices, DynamicsDestination
from target_dynamics.addresses import AUTHORITY
from target_dynamics.connecting import connect

if t.TYPE_CHECKING:
    from singer_sdk.sinks import Sink


class TargetDynamics(UpsertTarget):
    """Upserts streams named like entity sets by their key properties."""

    name = "target-dynamics"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = upsert_settings(
        th.Property(
            "tenant_id",
            th.StringType(min_length=1),
            required=True,
            title="Tenant",
            description="Id or domain of the Entra ID tenant the app registration is in.",
        ),
        th.Property(
            "client_id",
            th.StringType(min_length=1),
            required=True,
            title="Application id",
            description="Application (client) id of the app registration; it must be an application user there.",
        ),
        th.Property(
            "client_secret",
            th.StringType(min_length=1),
            secret=True,
            title="Client secret",
            description="Value of one of its secrets; or set `certificate_file`.",
        ),
        th.Property(
            "certificate_file",
            th.StringType(min_length=1),
            title="Certificate file",
            description="PEM file with private key and certificate to sign in with, in place of a secret.",
        ),
        th.Property(
            "certificate_password",
            th.StringType(min_length=1),
            secret=True,
            title="Certificate password",
            description="Password of the private key in that file.",
        ),
        th.Property(
            "org_url",
            th.StringType(min_length=1),
            required=True,
            title="Environment",
            description="Address of the environment, such as `https://contoso.crm4.dynamics.com`.",
        ),
        th.Property(
            "authority_url",
            th.StringType(min_length=1),
            default=AUTHORITY,
            title="Authority",
            description=(
                "Where the application signs in; sovereign clouds have their own, such as"
                " `https://login.microsoftonline.us`. An emulator or a proxy can stand there."
            ),
        ),
        th.Property(
            "api_url",
            th.StringType(min_length=1),
            title="API address",
            description="Address of the Web API in place of `org_url`, for an emulator or a proxy.",
        ),
        th.Property(
            "token_file",
            th.StringType(min_length=1),
            default="target-dynamics-tokens.json",
            title="Token file",
            description=(
                "Where the access token in use is kept (relative to the working directory), readable by its owner"
                " alone; runs and processes share it."
            ),
        ),
        th.Property(
            "external_id_field",
            th.StringType(min_length=1),
            default="JDE Number",
            title="External ID column",
            description=(
                "Label or logical name of the text column that holds the external ID in each table written; an"
                " alternate"
                " key on it must be active."
            ),
        ),
        th.Property(
            "publisher_prefix",
            th.StringType(min_length=2, max_length=8),
            default="jde",
            title="Publisher prefix",
            description="Prefix of the logical names of columns `setup` makes, that of the solution's publisher.",
        ),
        th.Property(
            "solution",
            th.StringType(min_length=1),
            title="Solution",
            description="Unique name of the solution that `setup` puts columns and keys into.",
        ),
        th.Property(
            "custom_fields",
            th.ObjectType(),
            title="Custom columns",
            description=(
                "Columns `target-dynamics setup` makes where they are missing, beside the external ID column: entity"
                " set"
                " -> label -> type, or an object with `type` and what belongs to it."
            ),
        ),
        th.Property(
            "entities",
            th.ArrayType(th.StringType(min_length=1)),
            default=[],
            title="Entity sets",
            description="Entity sets to write beside `accounts` and `contacts`.",
        ),
        th.Property(
            "duplicate_detection",
            th.BooleanType,
            default=False,
            title="Duplicate detection",
            description="Let the environment's duplicate detection rules refuse rows.",
        ),
        th.Property(
            "bypass_custom_logic",
            th.BooleanType,
            default=False,
            title="Bypass custom logic",
            description=(
                "Leave out synchronous plug-ins and workflows for what is written; needs the privilege"
                " prvBypassCustomPlugins."
            ),
        ),
        th.Property(
            "chunk_size",
            th.IntegerType(minimum=1, maximum=1000),
            default=500,
            title="Chunk size",
            description=(
                "Rows of one bulk request at most; it is made smaller by itself where the service takes too long."
            ),
        ),
        th.Property(
            "max_concurrency",
            th.IntegerType(minimum=1, maximum=4),
            default=1,
            title="Concurrency",
            description=(
                "Bulk requests under way at the same time. More than one on the same table may lead to deadlocks in the"
                " service."
            ),
        ),
        th.Property(
            "request_timeout_seconds",
            th.IntegerType(minimum=1),
            default=120,
            title="Time limit",
            description="How long Dataverse may take to answer one request, in seconds.",
        ),
        th.Property(
            "daily_budget",
            th.IntegerType(minimum=1),
            title="Daily budget",
            description=(
                "API requests all runs may use in any 24 hours, counted in the ledger; each row written is one."
                " Optional."
                " When they are used up, the rows left are kept and the next run goes on with them."
            ),
        ),
    )

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Return the sink of a stream; an entity set that is not there is refused with what to do instead."""
        known = {UNMAPPED_STREAM, *self.destination.entities}
        if stream_name not in known and self.config["on_unknown_stream"] != "skip":
            near = difflib.get_close_matches(stream_name, self.destination.entities, n=1)
            hint = f"did you mean {near[0]!r}? Otherwise map" if near else "map"
            raise ConfigError(
                f"Stream {stream_name!r}: the environment has no entity set of that name; {hint} the stream to another"
                " one (the plural name the Web API uses, a table's Set name in the maker portal) or to null in the"
                " mapping, or set on_unknown_stream to skip"
            )
        return super().get_sink_class(stream_name)

    def connect(self) -> DynamicsDestination:
        """Return the environment the settings name; nothing is sent yet."""
        choices = Choices(
            self.config["external_id_field"],
            prefix=self.config["publisher_prefix"],
            chunk_size=self.config["chunk_size"],
            duplicate_detection=self.config["duplicate_detection"],
            bypass_custom_logic=self.config["bypass_custom_logic"],
            timeout_seconds=self.config["request_timeout_seconds"],
        )
        return DynamicsDestination(
            connect(self.config),
            choices,
            entities=self.config["entities"],
            concurrency=self.config["max_concurrency"],
        )


if __name__ == "__main__":
    TargetDynamics.cli()
