"""Pipedrive's entities as data: where they live and which standard fields can be written.

A further entity is one more `Entity` here plus its calls in `target_pipedrive.costs`. Field lists follow Pipedrive's
OpenAPI v2 file (v1 for notes, which v2 does not have) and the Pipedrive API fact sheet sections 4 and 5.
"""

from __future__ import annotations

import typing as t

from sync_ledger.fields import FieldType

from target_pipedrive.entity import (
    ADDRESS_PARTS,
    CONTACT_PARTS,
    Entity,
    Names,
    Wire,
    choice,
    contact_sync,
    in_form,
    listed_options,
    named,
    parent,
    plain,
    read_only,
)

_OWNER: t.Final = named("owner_id", Names.USERS)
_VISIBILITY: t.Final = plain("visible_to", FieldType.INTEGER, nullable=False)
_SET_BY_PIPEDRIVE: t.Final = (
    read_only("update_time", FieldType.DATETIME),
    read_only("id", FieldType.INTEGER),
    read_only("is_deleted", FieldType.BOOLEAN),
)
_COMMON: t.Final = (
    _OWNER,
    _VISIBILITY,
    listed_options("label_ids", FieldType.OPTIONS),
    plain("add_time", FieldType.DATETIME, updatable=False, nullable=False),
    *_SET_BY_PIPEDRIVE,
)
_MADE_BY_PIPEDRIVE: t.Final = (read_only("add_time", FieldType.DATETIME), *_SET_BY_PIPEDRIVE)

ORGANIZATIONS: t.Final = Entity(
    name="organizations",
    path="/v2/organizations",
    fields_path="/v2/organizationFields",
    standard=(
        plain("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        plain("address", FieldType.OBJECT, attributes=ADDRESS_PARTS),
        plain("website", FieldType.STRING),
        plain("linkedin", FieldType.STRING),
        listed_options("industry", FieldType.OPTION),
        plain("annual_revenue", FieldType.INTEGER),
        plain("employee_count", FieldType.INTEGER),
        *_COMMON,
    ),
)

PERSONS: t.Final = Entity(
    name="persons",
    path="/v2/persons",
    fields_path="/v2/personFields",
    standard=(
        plain("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        parent("org_id", "organizations"),
        plain("emails", FieldType.LIST, items=CONTACT_PARTS),
        plain("phones", FieldType.LIST, items=CONTACT_PARTS),
        choice("marketing_status", "no_consent", "unsubscribed", "subscribed", "archived"),
        contact_sync("job_title", FieldType.STRING),
        contact_sync("notes", FieldType.STRING, max_length=10_000),
        contact_sync("im", FieldType.LIST, items=CONTACT_PARTS),
        contact_sync("birthday", FieldType.DATE),
        contact_sync("postal_address", FieldType.OBJECT, attributes=ADDRESS_PARTS),
        read_only("first_name", FieldType.STRING),
        read_only("last_name", FieldType.STRING),
        read_only("picture_id", FieldType.INTEGER),
        *_COMMON,
    ),
)

PIPELINES: t.Final = Entity(
    name="pipelines",
    path="/v2/pipelines",
    fields_path=None,
    ids_listed=False,
    standard=(
        plain("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        plain("is_deal_probability_enabled", FieldType.BOOLEAN, nullable=False),
        read_only("order_nr", FieldType.INTEGER),
        *_MADE_BY_PIPEDRIVE,
    ),
)

STAGES: t.Final = Entity(
    name="stages",
    path="/v2/stages",
    fields_path=None,
    ids_listed=False,
    standard=(
        plain("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        named(
            "pipeline_id",
            Names.PIPELINES,
            kind=FieldType.RELATION,
            relation="pipelines",
            required=True,
        ),
        plain("deal_probability", FieldType.INTEGER, nullable=False),
        plain("is_deal_rot_enabled", FieldType.BOOLEAN, nullable=False),
        plain("days_to_rotten", FieldType.INTEGER),
        read_only("order_nr", FieldType.INTEGER),
        *_MADE_BY_PIPEDRIVE,
    ),
)

PRODUCTS: t.Final = Entity(
    name="products",
    path="/v2/products",
    fields_path="/v2/productFields",
    standard=(
        plain("name", FieldType.STRING, required=True, nullable=False, max_length=255),
        plain("code", FieldType.STRING, max_length=255),
        plain("description", FieldType.STRING),
        plain("unit", FieldType.STRING, max_length=255),
        plain("tax", FieldType.NUMBER, nullable=False),
        in_form(Wire.NUMBER_TEXT, "category", FieldType.INTEGER),
        plain("is_linkable", FieldType.BOOLEAN, nullable=False),
        plain(
            "prices",
            FieldType.LIST,
            nullable=False,
            items=frozenset({"currency", "price", "cost", "direct_cost", "notes"}),
        ),
        choice("billing_frequency", "one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"),
        plain("billing_frequency_cycles", FieldType.INTEGER),
        _OWNER,
        _VISIBILITY,
        *_MADE_BY_PIPEDRIVE,
    ),
)

DEALS: t.Final = Entity(
    name="deals",
    path="/v2/deals",
    fields_path="/v2/dealFields",
    archived_path="/v2/deals/archived",
    after=frozenset({"pipelines", "stages"}),
    standard=(
        plain("title", FieldType.STRING, required=True, nullable=False, max_length=255),
        plain("value", FieldType.NUMBER, nullable=False),
        plain("currency", FieldType.STRING, nullable=False, max_length=3),
        parent("org_id", "organizations"),
        parent("person_id", "persons"),
        named("pipeline_id", Names.PIPELINES),
        named("stage_id", Names.STAGES, within="pipeline_id"),
        choice("status", "open", "won", "lost"),
        plain("probability", FieldType.NUMBER),
        plain("lost_reason", FieldType.STRING),
        plain("expected_close_date", FieldType.DATE),
        plain("close_time", FieldType.DATETIME),
        plain("won_time", FieldType.DATETIME, nullable=False),
        plain("lost_time", FieldType.DATETIME, nullable=False),
        plain("is_archived", FieldType.BOOLEAN, nullable=False),
        plain("archive_time", FieldType.DATETIME, nullable=False),
        listed_options("label_ids", FieldType.OPTIONS),
        _OWNER,
        _VISIBILITY,
        read_only("creator_user_id", FieldType.INTEGER),
        read_only("stage_change_time", FieldType.DATETIME),
        read_only("origin", FieldType.STRING),
        *_MADE_BY_PIPEDRIVE,
    ),
)

ACTIVITIES: t.Final = Entity(
    name="activities",
    path="/v2/activities",
    fields_path=None,
    creator="creator_user_id",
    standard=(
        plain("subject", FieldType.STRING, nullable=False, max_length=255),
        named("type", Names.ACTIVITY_TYPES),
        _OWNER,
        parent("deal_id", "deals"),
        parent("org_id", "organizations"),
        in_form(Wire.PARTICIPANT, "person_id", FieldType.RELATION, relation="persons"),
        plain("lead_id", FieldType.STRING),
        plain("project_id", FieldType.INTEGER),
        plain("due_date", FieldType.DATE),
        plain("due_time", FieldType.TIME),
        plain("duration", FieldType.TIME),
        plain("busy", FieldType.BOOLEAN, nullable=False),
        plain("done", FieldType.BOOLEAN, nullable=False),
        plain("location", FieldType.OBJECT, attributes=ADDRESS_PARTS),
        plain("public_description", FieldType.STRING),
        plain("note", FieldType.STRING),
        plain("priority", FieldType.INTEGER),
        read_only("creator_user_id", FieldType.INTEGER),
        read_only("marked_as_done_time", FieldType.DATETIME),
        *_MADE_BY_PIPEDRIVE,
    ),
)

NOTES: t.Final = Entity(
    name="notes",
    path="/v1/notes",
    fields_path=None,
    update_method="PUT",
    ids_listed=False,
    creator="user_id",
    standard=(
        plain("content", FieldType.STRING, required=True, nullable=False),
        # What clears a parent is not documented, so a note can move to another parent but not lose one.
        parent("org_id", "organizations", nullable=False),
        parent("person_id", "persons", nullable=False),
        parent("deal_id", "deals", nullable=False),
        plain("lead_id", FieldType.STRING, nullable=False),
        plain("project_id", FieldType.INTEGER, nullable=False),
        plain("task_id", FieldType.INTEGER, nullable=False),
        in_form(Wire.V1_TIME, "add_time", FieldType.DATETIME, updatable=False, nullable=False),
        *(
            in_form(Wire.FLAG, f"pinned_to_{item}_flag", FieldType.BOOLEAN, nullable=False)
            for item in ("organization", "person", "deal", "lead", "project", "task")
        ),
        read_only("id", FieldType.INTEGER),
        read_only("user_id", FieldType.INTEGER),
        read_only("update_time", FieldType.STRING),
    ),
)

ENTITIES: t.Final[dict[str, Entity]] = {
    entity.name: entity for entity in (ORGANIZATIONS, PERSONS, PIPELINES, STAGES, PRODUCTS, DEALS, ACTIVITIES, NOTES)
}
"""Entities this target writes, parents before children."""

NOT_WRITTEN: t.Final[dict[str, str]] = {
    "users": "users are invited in Pipedrive itself; to give records an owner, map the user's e-mail to owner_id",
    "leads": "map them to the stream deals, or keep them in Pipedrive",
    "activityTypes": "they are made in Pipedrive (Company settings > Activities); map their name to type of activities",
    "currencies": "they belong to Pipedrive; map the code, such as EUR, to currency of deals",
    "organizationFields": "`target-pipedrive setup` makes custom fields",
    "personFields": "`target-pipedrive setup` makes custom fields",
    "dealFields": "`target-pipedrive setup` makes custom fields",
    "productFields": "`target-pipedrive setup` makes custom fields",
    "activityFields": "Pipedrive's API lets nobody write them",
    "filters": "they are made in Pipedrive",
    "files": "keep them where they are and map their address to a custom field",
    "webhooks": "they are no records",
}
"""Streams other taps have of Pipedrive that this target does not write -> what to do instead."""
