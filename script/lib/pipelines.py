"""The pipelines the demo shows: what each one writes where, and what a change in JD Edwards means for it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from service_emulators.client import DynamicsControl, PipedriveControl, ZohoControl

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from changes import Changes
    from service_emulators.client import JdeControl, RecordControl

    Expected = Mapping[str, set[str]]

_HEAD_COMPANY = {"CO": "00000"}


@dataclass(frozen=True)
class Pipeline:
    """One pipeline.

    Attributes:
        name: Argument of the demo.
        label: What people call the other end.
        account: What a new one of it is called.
        services: Names of the services at the emulators.
        unit: What the services charge for.
        extractor: Name of the extractor.
        loader: Name of the loader.
        switches: Switches of the emulators.
        about_documents: Whether it is about orders, vouchers and the like, and not only about the address book.
        first: Variables with which a first run by hand shows something.
    """

    name: str
    label: str
    account: str
    services: tuple[str, ...]
    unit: str
    loader: str
    extractor: str = "tap-jdedwards"
    switches: tuple[str, ...] = ()
    about_documents: bool = False
    first: str = ""

    @property
    def mapping(self) -> str:
        """Name of the mapping, which is the pipeline's as well."""
        return f"jde-to-{self.name}"

    @property
    def blocks(self) -> list[str]:
        """What `meltano run` is given."""
        return [self.extractor, self.mapping, self.loader]


@dataclass(frozen=True, kw_only=True)
class RecordPipeline(Pipeline):
    """A pipeline into a CRM.

    Attributes:
        control: Client of the emulator's control interface.
        everything: All external IDs a first load writes, by entity.
        concerned: External IDs of the records that changes in JD Edwards concern, by entity.
        example: Entity whose record is told at the end.
        key: Field of a record that holds the external ID.
        modified: Field of a record that tells when it was last written.
        set_up: Whether the account is empty, so that `setup` makes the custom fields.
        planned: Whether a plan is made before the first run; the run must cost what the plan says.
        fixed_calls: Calls a first load may take however few rows there are.
        most_calls_per_row: Most calls a first load may take for a row, beside these; None for any.
    """

    control: Callable[[str], RecordControl]
    everything: Callable[[JdeControl], Expected]
    concerned: Callable[[JdeControl, Changes], Expected]
    example: str
    key: Callable[[Mapping[str, t.Any]], str]
    modified: str
    set_up: bool = False
    planned: bool = False
    fixed_calls: int = 0
    most_calls_per_row: float | None = None


def _customers(jde: JdeControl) -> set[int]:
    return {row["AN8"] for row in jde.rows("F03012", where=_HEAD_COMPANY)}


def _suppliers(jde: JdeControl) -> set[int]:
    return {row["AN8"] for row in jde.rows("F0401")}


def _people(jde: JdeControl, companies: set[int]) -> set[str]:
    return {f"{row['AN8']}-{row['IDLN']}" for row in jde.rows("F0111") if row["IDLN"] > 0 and row["AN8"] in companies}


def _text(numbers: set[int]) -> set[str]:
    return {str(number) for number in numbers}


def _all_for_pipedrive(jde: JdeControl) -> Expected:
    customers = _customers(jde)
    return {"organizations": _text(customers), "persons": _people(jde, customers)}


def _all_for_zoho(jde: JdeControl) -> Expected:
    customers, suppliers = _customers(jde), _suppliers(jde)
    return {
        "Accounts": _text(customers),
        "Vendors": _text(suppliers),
        "Contacts": _people(jde, customers | suppliers),
    }


def _all_for_dynamics(jde: JdeControl) -> Expected:
    partners = _customers(jde) | _suppliers(jde)  # who is both is one account
    return {"accounts": _text(partners), "contacts": _people(jde, partners)}


def _changed_at_pipedrive(_jde: JdeControl, changes: Changes) -> Expected:
    return {
        "organizations": _text(changes.names | changes.phones | changes.credit_limits),
        "persons": set(changes.people),
    }


def _changed_at_zoho(jde: JdeControl, changes: Changes) -> Expected:
    return {
        "Accounts": _text(changes.names | changes.phones | changes.credit_limits),
        "Vendors": _text((changes.names | changes.phones) & _suppliers(jde)),
        "Contacts": set(changes.people),
    }


def _changed_at_dynamics(_jde: JdeControl, changes: Changes) -> Expected:
    return {
        "accounts": _text(changes.names | changes.phones | changes.credit_limits),
        "contacts": set(changes.people),
    }


PIPELINES: dict[str, Pipeline] = {
    one.name: one
    for one in (
        RecordPipeline(
            name="pipedrive",
            label="Pipedrive",
            account="Pipedrive account",
            services=("pipedrive",),
            loader="target-pipedrive",
            unit="tokens",
            control=PipedriveControl,
            everything=_all_for_pipedrive,
            concerned=_changed_at_pipedrive,
            example="persons",
            key=lambda record: record["custom_fields"]["JDE Number"],
            modified="update_time",
            # The burst limit of an OAuth app in the Ultimate plan; at an API token's run 1 takes a minute longer.
            switches=("pipedrive.burst=480",),
        ),
        RecordPipeline(
            name="zoho",
            label="Zoho CRM",
            account="Zoho CRM account",
            services=("zoho",),
            loader="target-zoho",
            unit="credits",
            control=ZohoControl,
            everything=_all_for_zoho,
            concerned=_changed_at_zoho,
            example="Contacts",
            key=lambda record: record["JDE_Number"],
            modified="Modified_Time",
            set_up=True,
            planned=True,
            most_calls_per_row=0.02,
        ),
        RecordPipeline(
            name="dynamics",
            label="Dynamics 365",
            account="Dynamics 365 account",
            services=("dynamics",),
            loader="target-dynamics",
            unit="requests",
            control=DynamicsControl,
            everything=_all_for_dynamics,
            concerned=_changed_at_dynamics,
            example="contacts",
            key=lambda record: record["jde_number"],
            modified="versionnumber",
            set_up=True,
            planned=True,
            fixed_calls=15,
            most_calls_per_row=0.0035,
        ),
        Pipeline(
            name="alerts",
            label="texts and mail",
            account="Twilio and SendGrid account",
            services=("twilio", "sendgrid"),
            unit="segments, mails",
            extractor="tap-jdedwards-alerts",
            loader="target-twilio",
            about_documents=True,
            first="TARGET_TWILIO_INITIAL=send ",  # alerts/people.yml notes what is there, and tells nothing of it
        ),
    )
}
"""By name, in the order in which the demo shows them."""
