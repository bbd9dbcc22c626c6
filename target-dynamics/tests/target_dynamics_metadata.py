"""Metadata of small tables, as the service answers it (Dataverse sheet section 9)."""

from __future__ import annotations

import typing as t

from target_dynamics.fields import table_fields
from target_dynamics.metadata import CASTS, read_metadata
from target_dynamics.tables import Table, Tables

if t.TYPE_CHECKING:
    from target_dynamics.fields import TableFields
    from target_dynamics.metadata import Metadata

ACCOUNT = Table("account", "accounts", "accountid", "name")
CONTACT = Table("contact", "contacts", "contactid", "fullname")
CURRENCY = Table("transactioncurrency", "transactioncurrencies", "transactioncurrencyid", "currencyname")
USER = Table("systemuser", "systemusers", "systemuserid", "fullname")
TEAM = Table("team", "teams", "teamid", "name")
TABLES = Tables([ACCOUNT, CONTACT, CURRENCY, USER, TEAM])

Item = dict[str, t.Any]


def label(text: str) -> Item:
    own = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [own], "UserLocalizedLabel": own}


def column(name: str, kind: str, text: str | None = None, **more: t.Any) -> Item:
    """Return a column as the list of attributes has it, with what belongs to its type beside it."""
    return {
        "LogicalName": name,
        "SchemaName": more.pop("schema", name),
        "AttributeType": "Virtual" if kind == "MultiSelectPicklist" else kind,
        "DisplayName": label(text or name.title()),
        "RequiredLevel": {"Value": more.pop("level", "None")},
        "IsValidForCreate": more.pop("create", True),
        "IsValidForUpdate": more.pop("update", True),
        "IsValidForRead": more.pop("read", True),
        "_cast": "Lookup" if kind in {"Lookup", "Customer", "Owner"} else kind,
        "_more": more,
    }


def options(*pairs: tuple[int, str], **more: t.Any) -> Item:
    found = [{"Value": value, "Label": label(text)} for value, text in pairs]
    return {"OptionSet": {"Options": found}, "GlobalOptionSet": None, **more}


def states() -> list[Item]:
    state = options((0, "Active"), (1, "Inactive"))
    for option, status in zip(state["OptionSet"]["Options"], (1, 2), strict=True):
        option |= {"DefaultStatus": status, "InvariantName": option["Label"]["UserLocalizedLabel"]["Label"]}
    status = options((1, "Active"), (2, "Inactive"), (3, "Gone"))
    for option, of in zip(status["OptionSet"]["Options"], (0, 1, 1), strict=True):
        option["State"] = of
    return [
        column("statecode", "State", "Status", level="SystemRequired", create=False, **state),
        column("statuscode", "Status", "Status Reason", **status),
    ]


def relationship(name: str, bound: str, table: str) -> Item:
    return {
        "ReferencingAttribute": name,
        "ReferencingEntityNavigationPropertyName": bound,
        "ReferencedEntity": table,
    }


def key(status: str = "Active", *columns: str) -> Item:
    return {
        "LogicalName": "jde_number_key",
        "SchemaName": "jde_number_key",
        "KeyAttributes": list(columns or ("jde_number",)),
        "EntityKeyIndexStatus": status,
    }


HOLDER = column("jde_number", "String", "JDE Number", schema="jde_Number", MaxLength=100)

COLUMNS = [
    column("accountid", "Uniqueidentifier", "Account", level="SystemRequired", update=False),
    HOLDER,
    column("name", "String", "Account Name", level="ApplicationRequired", MaxLength=160),
    column("description", "Memo", "Description", MaxLength=2000),
    column("numberofemployees", "Integer", "Number of Employees", MinValue=0, MaxValue=10**9),
    column("creditlimit", "Money", "Credit Limit", MinValue=0, MaxValue=100000000000000, Precision=2),
    column("creditonhold", "Boolean", "Credit Hold"),
    column("paymenttermscode", "Picklist", "Payment Terms", **options((1, "Net 30"), (2, "2% 10, Net 30"))),
    column("jde_flags", "MultiSelectPicklist", "Flags", **options((1, "A"), (3, "B"), (10, "C"))),
    column("jde_since", "DateTime", "Since", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
    column("jde_seen", "DateTime", "Seen", Format="DateAndTime", DateTimeBehavior={"Value": "UserLocal"}),
    column(
        "modifiedon", "DateTime", "Modified On", create=False, update=False, DateTimeBehavior={"Value": "UserLocal"}
    ),
    column("parentaccountid", "Lookup", "Parent Account", Targets=["account"]),
    column("parentcustomerid", "Customer", "Company Name", Targets=["account", "contact"]),
    column("transactioncurrencyid", "Lookup", "Currency", Targets=["transactioncurrency"]),
    column("slaid", "Lookup", "SLA", Targets=["sla"]),
    column("ownerid", "Owner", "Owner", level="SystemRequired", Targets=["systemuser", "team"]),
    *states(),
]
RELATIONSHIPS = [
    relationship("parentaccountid", "ParentAccount", "account"),
    relationship("parentcustomerid", "parentcustomerid_account", "account"),
    relationship("parentcustomerid", "parentcustomerid_contact", "contact"),
    relationship("transactioncurrencyid", "transactioncurrencyid", "transactioncurrency"),
    relationship("slaid", "sla_account_sla", "sla"),
]


def metadata(
    columns: t.Sequence[Item] = COLUMNS,
    keys: t.Sequence[Item] = (key(),),
    relationships: t.Sequence[Item] = RELATIONSHIPS,
) -> Metadata:
    own = ("_cast", "_more")
    attributes = [{name: value for name, value in one.items() if name not in own} for one in columns]
    casts = [
        [{"LogicalName": one["LogicalName"], **one["_more"]} for one in columns if one["_cast"] == kind]
        for kind in CASTS
    ]
    return read_metadata([attributes, relationships, list(keys), *casts])


def named(logical: t.Sequence[str]) -> dict[str, str]:
    """Return rows that lookups name."""
    return {"eur": "00000000-0000-0000-0000-0000000000e0", "ana": "00000000-0000-0000-0000-0000000000a0"}


def fields(
    found: Metadata | None = None,
    external_id_field: str = "JDE Number",
    related: t.Sequence[str] = ("accounts", "contacts"),
) -> TableFields:
    return table_fields(
        ACCOUNT, found or metadata(), external_id_field, prefix="jde", tables=TABLES, related=related, names=named
    )
