"""Singer target that upserts accounts, contacts, vendors and records of any other module into Zoho CRM."""

from __future__ import annotations

import difflib
import typing as t

from singer_sdk import typing as th
from sync_ledger.errors import ConfigError
from sync_ledger.settings import upsert_settings
from sync_ledger.target import UNMAPPED_STREAM, UpsertTarget

from target_zoho.adapter import Choices, ZohoDestination
from target_zoho.bulk import TIME_LIMIT_SECONDS
from target_zoho.connecting import connect
from target_zoho.regions import REGIONS
from target_zoho.scopes import WANTED

if t.TYPE_CHECKING:
    from singer_sdk.sinks import Sink


class TargetZoho(UpsertTarget):
    """Upserts streams named like Zoho's modules by their key properties."""

    name = "target-zoho"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = upsert_settings(
        th.Property(
            "client_id",
            th.StringType(min_length=1),
            required=True,
            title="Client ID",
            description="Id of the client registered at api-console.zoho.com.",
        ),
        th.Property(
            "client_secret",
            th.StringType(min_length=1),
            required=True,
            secret=True,
            title="Client secret",
            description="Secret of that client.",
        ),
        th.Property(
            "refresh_token",
            th.StringType(min_length=1),
            secret=True,
            title="Refresh token",
            description=(
                "Refresh token of the user the target writes as. Without it the target signs in by client credentials,"
                " to the org in `soid`."
            ),
        ),
        th.Property(
            "soid",
            th.StringType(min_length=1),
            title="Org for client credentials",
            description="Org to sign in to without a refresh token: `ZohoCRM.` and its id (zgid).",
        ),
        th.Property(
            "data_center",
            th.StringType,
            default="us",
            allowed_values=list(REGIONS),
            title="Data center",
            description=(
                "Data center the client is registered in, as in the address of Zoho's pages: `us` (zoho.com), `eu`,"
                " `in`, `au`, `cn`, `jp`, `ca` or `sa`. Where the API is comes with the token."
            ),
        ),
        th.Property(
            "accounts_url",
            th.StringType,
            title="Accounts address",
            description="Base address in place of the data center's accounts server, for an emulator or a proxy.",
        ),
        th.Property(
            "api_url",
            th.StringType,
            title="API address",
            description="Base address in place of the one that comes with the token, for an emulator or a proxy.",
        ),
        th.Property(
            "upload_url",
            th.StringType,
            title="Upload address",
            description=(
                "Base address for files of bulk writes in place of the data center's own; Zoho's pages name several."
            ),
        ),
        th.Property(
            "scopes",
            th.ArrayType(th.StringType(min_length=1)),
            default=list(WANTED),
            title="Scopes",
            description="Scopes to ask for when signing in by client credentials; `doctor` looks for them in any case.",
        ),
        th.Property(
            "token_file",
            th.StringType(min_length=1),
            default="target-zoho-tokens.json",
            title="Token file",
            description=(
                "Where the access token in use is kept (relative to the working directory), readable by its owner"
                " alone. Keep it between runs and let all processes with the same refresh token share it: Zoho gives"
                " ten access tokens in ten minutes."
            ),
        ),
        th.Property(
            "external_id_field",
            th.StringType(min_length=1),
            default="JDE Number",
            title="External ID field",
            description=(
                "Label or API name of the custom text field, unique in each module written, that holds the external ID."
            ),
        ),
        th.Property(
            "custom_fields",
            th.ObjectType(),
            title="Custom fields",
            description=(
                "Fields `target-zoho setup` makes where they are missing, beside the external ID field: module -> label"
                " -> type, or an object with `type` and what belongs to it."
            ),
        ),
        th.Property(
            "modules",
            th.ArrayType(th.StringType(min_length=1)),
            default=[],
            title="Modules",
            description="API names of modules to write beside `Accounts`, `Vendors` and `Contacts`.",
        ),
        th.Property(
            "trigger",
            th.ArrayType(
                th.StringType(allowed_values=["workflow", "approval", "blueprint", "pathfinder", "orchestration"])
            ),
            default=[],
            title="Automation",
            description="What Zoho runs for records this target writes; nothing by default.",
        ),
        th.Property(
            "picklists",
            th.StringType,
            default="hold",
            allowed_values=["hold", "add"],
            title="Unknown picklist values",
            description="What to do with a value a picklist does not have: hold the row, or add it to the field.",
        ),
        th.Property(
            "bulk_threshold",
            th.IntegerType(minimum=0),
            default=5000,
            title="Bulk threshold",
            description=(
                "From how many new records on a first load goes by bulk write, at 500 credits a job of up to 25,000"
                " records; 0 for never."
            ),
        ),
        th.Property(
            "bulk_timeout_seconds",
            th.IntegerType(minimum=1),
            default=TIME_LIMIT_SECONDS,
            title="Bulk time limit",
            description=(
                "How long a bulk write may take, in seconds; the records of one that has not ended by then are looked"
                " up and written in the normal way."
            ),
        ),
        th.Property(
            "max_concurrency",
            th.IntegerType(minimum=1, maximum=25),
            default=4,
            title="Concurrency",
            description="Writes under way at the same time; the limits of the org's edition hold in any case.",
        ),
        th.Property(
            "request_timeout_seconds",
            th.IntegerType(minimum=1),
            default=60,
            title="Time limit",
            description="How long Zoho may take to answer one request, in seconds.",
        ),
        th.Property(
            "daily_budget",
            th.IntegerType(minimum=1),
            title="Daily budget",
            description=(
                "API credits all runs on the org may use in any 24 hours, counted in the ledger. Optional; what Zoho"
                " itself says is left always counts. When they are used up, the rows left are kept and the next run"
                " goes on with them."
            ),
        ),
    )

    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Return the sink of a stream; a module that is not there is refused with what to do instead."""
        known = {UNMAPPED_STREAM, *self.destination.entities}
        if stream_name not in known and self.config["on_unknown_stream"] != "skip":
            near = difflib.get_close_matches(stream_name, self.destination.entities, n=1)
            hint = f"did you mean {near[0]!r}? Otherwise it" if near else "it"
            raise ConfigError(
                f"Stream {stream_name!r}: Zoho has no module of that API name that this user may write; {hint} is not"
                " in the org's edition or hidden from the user's profile. Map the stream to another module or to null"
                " in the mapping, or set on_unknown_stream to skip"
            )
        return super().get_sink_class(stream_name)

    def connect(self) -> ZohoDestination:
        """Return the org the settings name; nothing is sent yet."""
        choices = Choices(
            self.config["external_id_field"],
            trigger=tuple(self.config["trigger"]),
            add_options=self.config["picklists"] == "add",
            bulk_threshold=self.config["bulk_threshold"],
            bulk_timeout_seconds=self.config["bulk_timeout_seconds"],
        )
        return ZohoDestination(
            connect(self.config),
            choices,
            modules=self.config["modules"],
            concurrency=self.config["max_concurrency"],
        )


if __name__ == "__main__":
    TargetZoho.cli()
