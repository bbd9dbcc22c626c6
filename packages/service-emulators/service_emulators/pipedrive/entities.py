"""The entities of API v2 as data: properties, what may be written when, filters, orders, searches.

`kind` names a checker of `checks.py`. Sources: Pipedrive API fact sheet sections 3 to 7 and the v2 specification.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Feature = Literal["contact_sync", "campaigns", "firmographics"]


@dataclass(frozen=True)
class Property:
    """One built-in property.

    Attributes:
        kind: name of the checker.
        create: may be given on POST.
        update: may be given on PATCH.
        clearable: PATCH may set it to null.
        nullable: the specification calls it nullable, so that POST may carry null too.
        default: value of a new record that was not given one.
        feature: switch it depends on.
    """

    kind: str
    create: bool = True
    update: bool = True
    clearable: bool = True
    nullable: bool = False
    default: Any = None
    feature: Feature | None = None


def read_only(default: Any = None) -> Property:
    """Returns a property that only the service sets."""
    return Property("none", create=False, update=False, default=default)


@dataclass(frozen=True)
class Entity:
    """One entity.

    Attributes:
        name: plural, as in paths and table names.
        item: singular, as in search results.
        title: property shown as the record's name.
        properties: writable and read-only ones, in the order of the answers.
        required: properties a POST must carry.
        columns: properties kept in table columns of their own (name -> SQL kind), because lists filter or sort by them.
        filters: list parameters that compare a column, with the kind of the parameter.
        sorts: values of `sort_by`.
        updated_since: list parameter accepted.
        updated_until: list parameter accepted.
        list_extras: further list parameters (`custom_fields`, `include_fields` ...).
        include_fields: values of `include_fields`.
        get_extras: parameters of GET by id.
        searches: values of `fields` in a search; empty when there is no search.
        search_filters: search parameters that compare a column (parameter -> column).
        custom: has custom fields.
        created_status: HTTP status of a successful POST.
    """

    name: str
    item: str
    title: str
    properties: dict[str, Property]
    required: tuple[str, ...] = ("name",)
    columns: dict[str, Literal["integer", "text", "boolean"]] = field(default_factory=dict)
    filters: dict[str, Literal["integer", "text", "boolean", "status"]] = field(default_factory=dict)
    sorts: tuple[str, ...] = ("id", "update_time", "add_time")
    updated_since: bool = True
    updated_until: bool = True
    list_extras: frozenset[str] = frozenset()
    get_extras: frozenset[str] = frozenset()
    include_fields: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    search_filters: dict[str, str] = field(default_factory=dict)
    custom: bool = True
    created_status: int = 200


_OWNER = Property("user", clearable=False)
_VISIBILITY = Property("visibility", clearable=False)
_LABELS = Property("labels", default=())
_NAME = Property("name", clearable=False)
_FIRMOGRAPHIC_TEXT = Property("text", nullable=True, feature="firmographics")
_FIRMOGRAPHIC_NUMBER = Property("integer", nullable=True, feature="firmographics")
_EXTRAS = frozenset({"filter_id", "ids", "include_fields", "custom_fields", "include_option_labels", "include_labels"})
_GET_EXTRAS = frozenset({"include_fields", "custom_fields", "include_option_labels", "include_labels"})
_COUNTS = (
    "next_activity_id",
    "last_activity_id",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "smart_bcc_email",
)
_DEAL_COUNTS = (
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
)

ORGANIZATIONS = Entity(
    name="organizations",
    item="organization",
    title="name",
    properties={
        "name": _NAME,
        "owner_id": _OWNER,
        "add_time": Property("timestamp", update=False),
        "visible_to": _VISIBILITY,
        "label_ids": _LABELS,
        "address": Property("address"),
        "website": _FIRMOGRAPHIC_TEXT,
        "linkedin": _FIRMOGRAPHIC_TEXT,
        "industry": Property("industry", nullable=True, feature="firmographics"),
        "annual_revenue": _FIRMOGRAPHIC_NUMBER,
        "employee_count": _FIRMOGRAPHIC_NUMBER,
    },
    columns={"name": "text", "owner_id": "integer"},
    filters={"owner_id": "integer"},
    list_extras=_EXTRAS,
    get_extras=_GET_EXTRAS,
    include_fields=(*_COUNTS, *_DEAL_COUNTS, "people_count"),
    searches=("address", "custom_fields", "notes", "name"),
)

PERSONS = Entity(
    name="persons",
    item="person",
    title="name",
    properties={
        "name": _NAME,
        "first_name": Property("name"),
        "last_name": Property("name"),
        "owner_id": _OWNER,
        "org_id": Property("organization"),
        "add_time": Property("timestamp", update=False),
        "emails": Property("contacts", default=()),
        "phones": Property("contacts", default=()),
        "visible_to": _VISIBILITY,
        "label_ids": _LABELS,
        "picture_id": read_only(),
        "postal_address": Property("address", feature="contact_sync"),
        "notes": Property("long_text", feature="contact_sync"),
        "im": Property("messengers", default=(), feature="contact_sync"),
        "birthday": Property("day", feature="contact_sync"),
        "job_title": Property("text", feature="contact_sync"),
        "marketing_status": Property("marketing_status", clearable=False, feature="campaigns"),
    },
    required=(),  # the switch person_name_required decides
    columns={"name": "text", "owner_id": "integer", "org_id": "integer"},
    filters={"owner_id": "integer", "org_id": "integer", "deal_id": "integer"},
    list_extras=_EXTRAS,
    get_extras=_GET_EXTRAS,
    include_fields=(
        *_COUNTS,
        *_DEAL_COUNTS,
        "participant_open_deals_count",
        "participant_closed_deals_count",
        "last_incoming_mail_time",
        "last_outgoing_mail_time",
        "marketing_status",
        "doi_status",
    ),
    searches=("custom_fields", "email", "notes", "phone", "name"),
    search_filters={"organization_id": "org_id"},
)

DEALS = Entity(
    name="deals",
    item="deal",
    title="title",
    properties={
        "title": _NAME,
        "creator_user_id": read_only(),
        "owner_id": _OWNER,
        "value": Property("number", clearable=False, default=0),
        "currency": Property("currency", clearable=False, default="EUR"),
        "person_id": Property("person"),
        "org_id": Property("organization"),
        "pipeline_id": Property("pipeline", clearable=False),
        "stage_id": Property("stage", clearable=False),
        "status": Property("deal_status", clearable=False, default="open"),
        "probability": Property("percentage", nullable=True),
        "lost_reason": Property("text", nullable=True),
        "visible_to": _VISIBILITY,
        "close_time": Property("timestamp", nullable=True),
        "won_time": Property("timestamp"),
        "lost_time": Property("timestamp"),
        "expected_close_date": Property("day"),
        "label_ids": _LABELS,
        "is_archived": Property("boolean", clearable=False, default=False),
        "archive_time": Property("timestamp"),
        "is_deleted": Property("boolean", clearable=False, default=False),
        "stage_change_time": read_only(),
        "local_won_date": read_only(),
        "local_lost_date": read_only(),
        "local_close_date": read_only(),
        "origin": read_only("API"),
        "origin_id": read_only(),
        "channel": read_only(),
        "channel_id": read_only(),
        "acv": read_only(),
        "arr": read_only(),
        "mrr": read_only(),
    },
    required=("title",),
    columns={
        "title": "text",
        "owner_id": "integer",
        "person_id": "integer",
        "org_id": "integer",
        "pipeline_id": "integer",
        "stage_id": "integer",
        "status": "text",
        "is_archived": "boolean",
    },
    filters={
        "owner_id": "integer",
        "person_id": "integer",
        "org_id": "integer",
        "pipeline_id": "integer",
        "stage_id": "integer",
        "status": "status",
    },
    list_extras=_EXTRAS,
    get_extras=_GET_EXTRAS,
    include_fields=(
        *_COUNTS,
        "first_won_time",
        "products_count",
        "participants_count",
        "last_incoming_mail_time",
        "last_outgoing_mail_time",
        "source_lead_id",
    ),
    searches=("custom_fields", "notes", "title"),
    search_filters={"person_id": "person_id", "organization_id": "org_id", "status": "status"},
)

ACTIVITIES = Entity(
    name="activities",
    item="activity",
    title="subject",
    properties={
        "subject": Property("text", clearable=False),
        "type": Property("activity_type", clearable=False, default="call"),
        "owner_id": _OWNER,
        "creator_user_id": read_only(),
        "deal_id": Property("deal"),
        "lead_id": Property("text"),
        "person_id": read_only(),  # follows from the primary participant
        "org_id": Property("organization"),
        "project_id": Property("integer"),
        "due_date": Property("day"),
        "due_time": Property("time_of_day"),
        "duration": Property("duration"),
        "busy": Property("boolean", default=False),
        "done": Property("boolean", clearable=False, default=False),
        "marked_as_done_time": read_only(),
        "location": Property("address"),
        "participants": Property("participants", default=()),
        "attendees": Property("attendees", default=()),
        "conference_meeting_client": read_only(),
        "conference_meeting_url": read_only(),
        "conference_meeting_id": read_only(),
        "public_description": Property("long_text"),
        "priority": Property("integer"),
        "note": Property("long_text"),
    },
    required=(),
    columns={
        "subject": "text",
        "owner_id": "integer",
        "deal_id": "integer",
        "lead_id": "text",
        "person_id": "integer",
        "org_id": "integer",
        "done": "boolean",
        "due_date": "text",
    },
    filters={
        "owner_id": "integer",
        "deal_id": "integer",
        "lead_id": "text",
        "person_id": "integer",
        "org_id": "integer",
        "done": "boolean",
    },
    sorts=("id", "update_time", "add_time", "due_date"),
    list_extras=frozenset({"filter_id", "ids", "include_fields"}),
    get_extras=frozenset({"include_fields"}),
    include_fields=("attendees",),
    custom=False,
)

PRODUCTS = Entity(
    name="products",
    item="product",
    title="name",
    properties={
        "name": _NAME,
        "code": Property("text"),
        "description": Property("long_text"),
        "unit": Property("text"),
        "tax": Property("number", clearable=False, default=0),
        "category": Property("category"),
        "owner_id": _OWNER,
        "is_linkable": Property("boolean", clearable=False, default=True),
        "visible_to": _VISIBILITY,
        "prices": Property("prices", clearable=False, default=()),
        "billing_frequency": Property("billing_frequency", clearable=False, default="one-time"),
        "billing_frequency_cycles": Property("integer", nullable=True),
    },
    columns={"name": "text", "owner_id": "integer"},
    filters={"owner_id": "integer"},
    sorts=("id", "name", "add_time", "update_time"),
    updated_until=False,
    list_extras=frozenset({"filter_id", "ids", "custom_fields"}),
    searches=("code", "custom_fields", "name"),
    created_status=201,
)

PIPELINES = Entity(
    name="pipelines",
    item="pipeline",
    title="name",
    properties={
        "name": _NAME,
        "order_nr": read_only(0),
        "is_deal_probability_enabled": Property("boolean", clearable=False, default=False),
    },
    columns={"name": "text", "order_nr": "integer"},
    updated_since=False,
    updated_until=False,
    custom=False,
)

STAGES = Entity(
    name="stages",
    item="stage",
    title="name",
    properties={
        "name": _NAME,
        "order_nr": read_only(0),
        "pipeline_id": Property("pipeline", clearable=False),
        "deal_probability": Property("percentage", clearable=False, default=100),
        "is_deal_rot_enabled": Property("boolean", clearable=False, default=False),
        "days_to_rotten": Property("integer"),
    },
    required=("name", "pipeline_id"),
    columns={"name": "text", "order_nr": "integer", "pipeline_id": "integer"},
    filters={"pipeline_id": "integer"},
    sorts=("id", "update_time", "add_time", "order_nr"),
    updated_since=False,
    updated_until=False,
    custom=False,
)

ENTITIES = {entity.name: entity for entity in (ORGANIZATIONS, PERSONS, DEALS, ACTIVITIES, PRODUCTS, PIPELINES, STAGES)}
SEARCHABLE = {entity.item: entity for entity in ENTITIES.values() if entity.searches}

NOTE_PARENTS = {
    "deal_id": "deals",
    "person_id": "persons",
    "org_id": "organizations",
    "lead_id": None,
    "project_id": None,
    "task_id": None,
}
"""What a note can hang on, and the entity it is looked up in (None: not kept by the emulator)."""

NOTES = Entity(
    name="notes",
    item="note",
    title="content",
    properties={
        "content": Property("long_text"),
        "user_id": Property("user"),
        "last_update_user_id": read_only(),
        **{name: Property("integer") for name in NOTE_PARENTS},
        **{
            f"pinned_to_{item}_flag": Property("boolean", default=False)
            for item in ("lead", "deal", "organization", "person", "project", "task")
        },
    },
    columns={"user_id": "integer", "deal_id": "integer", "person_id": "integer", "org_id": "integer"},
    custom=False,
)
"""Only v1 has notes; they share the storage of the others."""
