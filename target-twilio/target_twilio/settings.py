"""Settings of the target."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th
from sync_ledger.settings import ledger_url, mode, settings_schema, state_interval

_OWN: t.Final = (
    th.Property(
        "rules",
        th.StringType,
        required=True,
        title="Alert file",
        description="Alert file, or folder of them (`*.yml`): rules, routes, receivers.",
    ),
    th.Property(
        "account_sid",
        th.StringType,
        title="Account SID",
        description="Twilio account, `AC...`; needed for texts and calls.",
    ),
    th.Property(
        "auth_token",
        th.StringType,
        secret=True,
        title="Auth token",
        description="Auth token of the account. It signs callbacks too, so `alerts listen` needs it in any case.",
    ),
    th.Property(
        "api_key_sid",
        th.StringType,
        title="API key SID",
        description="API key to sign in with instead of the auth token, `SK...`.",
    ),
    th.Property(
        "api_key_secret",
        th.StringType,
        secret=True,
        title="API key secret",
        description="Secret of the API key.",
    ),
    th.Property(
        "from_number",
        th.StringType,
        title="From number",
        description="Number texts and calls come from, in E.164 form, unless a receiver names another.",
    ),
    th.Property(
        "messaging_service_sid",
        th.StringType,
        title="Messaging Service",
        description="Messaging Service texts come from, `MG...`; it outranks `from_number` for texts.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default="https://api.twilio.com",
        title="Twilio address",
        description="Address of the Twilio API: a region such as `https://api.dublin.ie1.twilio.com`, or a proxy.",
    ),
    th.Property(
        "sendgrid_api_key",
        th.StringType,
        secret=True,
        title="SendGrid API key",
        description="API key with the permission Mail Send; needed for mail.",
    ),
    th.Property(
        "sendgrid_api_url",
        th.StringType,
        default="https://api.sendgrid.com",
        title="SendGrid address",
        description="Address of the SendGrid API: `https://api.eu.sendgrid.com` for EU subusers, or a proxy.",
    ),
    th.Property(
        "from_email",
        th.StringType,
        title="From address",
        description="Verified address mail comes from, unless a receiver names another.",
    ),
    th.Property(
        "status_callback_url",
        th.StringType,
        title="Callback address",
        description=(
            "Public address of `alerts listen`, to which Twilio reports how far messages are. Without it each run and "
            "`alerts tick` ask."
        ),
    ),
    th.Property(
        "sendgrid_event_public_key",
        th.StringType,
        title="SendGrid event key",
        description="Public key of the signed Event Webhook; without it `alerts listen` takes no mail events.",
    ),
    th.Property(
        "initial",
        th.StringType,
        allowed_values=["baseline", "send"],
        title="First run",
        description=(
            "What the first run of a rule makes of rows that match already: `baseline` notes them, `send` tells them. "
            "Outranks what the alert file says."
        ),
    ),
    th.Property(
        "daily_limit",
        th.IntegerType(minimum=1),
        default=1000,
        title="Daily limit",
        description="Messages that may be sent in any 24 hours, over all receivers; the rest waits.",
    ),
    th.Property(
        "delivery_seconds",
        th.IntegerType(minimum=0, maximum=3600),
        default=60,
        title="Delivery time",
        description=(
            "How long a run waits for messages the service takes later and for lost answers to be cleared up; what is "
            "left then goes with the next run or `alerts tick`."
        ),
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        title="Concurrency",
        description="Messages that are sent at the same time.",
    ),
    ledger_url("runs, outcomes, alerts and messages"),
    mode(["apply", "plan"], "`apply` sends; `plan` tells what would be sent, keeps nothing, and passes no STATE."),
    th.Property(
        "masked_fields",
        th.ObjectType(additional_properties=th.ArrayType(th.StringType)),
        title="Masked fields",
        description='Fields whose values the ledger does not keep of held rows, per stream: `{"payables": ["bank"]}`.',
    ),
    state_interval("settle"),
)


def alert_settings() -> dict[str, t.Any]:
    """Return the settings schema."""
    return settings_schema(*_OWN)
