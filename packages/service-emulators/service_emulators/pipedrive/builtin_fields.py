"""Built-in fields of the *Fields endpoints, as data: code, label, type, option labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from service_emulators.pipedrive.values import ADDRESS_PARTS


@dataclass(frozen=True)
class BuiltinField:
    """One built-in field.

    Attributes:
        code: API key.
        name: label.
        type: field type.
        options: labels by option id. Built-in ids are strings, save those of labels.
        feature: `firmographics` where the switch of that name must be on.
    """

    code: str
    name: str
    type: str
    options: tuple[tuple[int | str, str], ...] = ()
    feature: Literal["firmographics"] | None = None


ADDRESS_LABELS = {
    "value": "Address value",
    "street_number": "House number",
    "route": "Street/road name",
    "subpremise": "Apartment/suite",
    "locality": "City/town/village/locality",
    "sublocality": "District",
    "admin_area_level_1": "State/province",
    "admin_area_level_2": "County",
    "country": "Country",
    "postal_code": "Postal code",
    "formatted_address": "Formatted address",
}
assert set(ADDRESS_PARTS) <= set(ADDRESS_LABELS)  # noqa: S101 - two tables of this package that must agree

LABELS: dict[str, tuple[tuple[int, str], ...]] = {
    "organizations": ((5, "Customer"), (6, "Hot lead"), (7, "Warm lead"), (8, "Cold lead")),
    "persons": ((1, "Customer"), (2, "Hot lead"), (3, "Warm lead"), (4, "Cold lead")),
    "deals": ((9, "Hot"), (10, "Warm"), (11, "Cold")),
}
INDUSTRIES = ((1, "Manufacturing"), (2, "Wholesale"), (3, "Retail"), (4, "Construction"), (5, "Services"))
_VISIBILITY = (
    ("1", "Item owner"),
    ("3", "Item owner's visibility group"),
    ("5", "Item owner's visibility group and sub-groups"),
    ("7", "All users"),
)
_TIMES = (BuiltinField("add_time", "Created", "date"), BuiltinField("update_time", "Update time", "date"))


def _labels(entity: str) -> BuiltinField:
    return BuiltinField("label_ids", "Labels", "set", LABELS[entity])


BUILTIN_FIELDS: dict[str, tuple[BuiltinField, ...]] = {
    "organizations": (
        BuiltinField("id", "ID", "int"),
        BuiltinField("name", "Name", "varchar"),
        _labels("organizations"),
        BuiltinField("address", "Address", "address"),
        BuiltinField("owner_id", "Owner", "user"),
        BuiltinField("visible_to", "Visible to", "visible_to", _VISIBILITY),
        BuiltinField("website", "Website", "varchar", feature="firmographics"),
        BuiltinField("linkedin", "LinkedIn profile", "varchar", feature="firmographics"),
        BuiltinField("industry", "Industry", "enum", tuple((str(i), n) for i, n in INDUSTRIES), "firmographics"),
        BuiltinField("annual_revenue", "Annual revenue", "double", feature="firmographics"),
        BuiltinField("employee_count", "Number of employees", "int", feature="firmographics"),
        *_TIMES,
    ),
    "persons": (
        BuiltinField("id", "ID", "int"),
        BuiltinField("name", "Name", "varchar"),
        BuiltinField("first_name", "First name", "varchar"),
        BuiltinField("last_name", "Last name", "varchar"),
        _labels("persons"),
        BuiltinField("phone", "Phone", "phone"),
        BuiltinField("email", "Email", "varchar"),
        BuiltinField("org_id", "Organization", "org"),
        BuiltinField("owner_id", "Owner", "user"),
        BuiltinField("visible_to", "Visible to", "visible_to", _VISIBILITY),
        *_TIMES,
    ),
    "deals": (
        BuiltinField("id", "ID", "int"),
        BuiltinField("title", "Title", "varchar"),
        BuiltinField("value", "Value", "double"),
        BuiltinField("currency", "Currency", "varchar"),
        _labels("deals"),
        BuiltinField("person_id", "Contact person", "people"),
        BuiltinField("org_id", "Organization", "org"),
        BuiltinField("pipeline_id", "Pipeline", "double"),
        BuiltinField("stage_id", "Stage", "stage"),
        BuiltinField("status", "Status", "status", (("open", "Open"), ("won", "Won"), ("lost", "Lost"))),
        BuiltinField("expected_close_date", "Expected close date", "date"),
        BuiltinField("probability", "Probability", "int"),
        BuiltinField("owner_id", "Owner", "user"),
        BuiltinField("visible_to", "Visible to", "visible_to", _VISIBILITY),
        *_TIMES,
    ),
    "products": (
        BuiltinField("id", "ID", "int"),
        BuiltinField("name", "Name", "varchar"),
        BuiltinField("code", "Product code", "varchar"),
        BuiltinField("unit", "Unit", "varchar"),
        BuiltinField("tax", "Tax", "double"),
        BuiltinField("owner_id", "Owner", "user"),
        BuiltinField("visible_to", "Visible to", "visible_to", _VISIBILITY),
        *_TIMES,
    ),
    "activities": (
        BuiltinField("id", "ID", "int"),
        BuiltinField("subject", "Subject", "varchar"),
        BuiltinField("type", "Type", "enum", (("call", "Call"), ("meeting", "Meeting"), ("task", "Task"))),
        BuiltinField("due_date", "Due date", "date"),
        BuiltinField("done", "Done", "boolean"),
        BuiltinField("owner_id", "Assigned to user", "user"),
        *_TIMES,
    ),
}
FIELD_PATHS = {
    "organizationFields": "organizations",
    "personFields": "persons",
    "dealFields": "deals",
    "productFields": "products",
    "activityFields": "activities",
}
ACTIVITY_TYPES = ("call", "meeting", "task", "deadline", "email", "lunch")
