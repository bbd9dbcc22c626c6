from __future__ import annotations

import typing as t

import pytest
from sync_ledger.errors import ConfigError
from sync_ledger.fields import FieldType
from target_pipedrive import values
from target_pipedrive.entities import ORGANIZATIONS, PERSONS
from target_pipedrive.fields import CUSTOM_TYPES, entity_fields

if t.TYPE_CHECKING:
    from target_pipedrive.fields import EntityFields


def key(number: int) -> str:
    return f"{number:040x}"


def custom(number: int, label: str, kind: str = "varchar", **more: t.Any) -> dict[str, t.Any]:
    return {"field_code": key(number), "field_name": label, "field_type": kind, "is_custom_field": True, **more}


def standard(code: str, kind: str = "varchar", **more: t.Any) -> dict[str, t.Any]:
    return {"field_code": code, "field_name": code.title(), "field_type": kind, "is_custom_field": False, **more}


NUMBER = custom(1, "JDE Number")


def organizations(*metadata: dict[str, t.Any]) -> EntityFields:
    return entity_fields(ORGANIZATIONS, [NUMBER, *metadata], "JDE Number")


def test_custom_fields_go_by_their_label_and_by_their_key() -> None:
    fields = organizations(custom(2, "Credit Limit", "double")).description
    by_label = fields.find("Credit Limit")
    assert by_label is not None
    assert by_label is fields.find(key(2))
    assert (by_label.type, by_label.key) == (FieldType.NUMBER, key(2))
    assert fields.external_id_field.key == key(1)


def test_a_label_that_is_a_standard_name_leaves_the_standard_field_reachable() -> None:
    fields = organizations(custom(2, "address", "varchar")).description
    found = fields.find("address")
    assert found is not None
    assert found.type is FieldType.OBJECT
    other = fields.find(key(2))
    assert other is not None
    assert other.name == key(2)


@pytest.mark.parametrize(
    ("metadata", "setting", "words"),
    [
        ([], "JDE Number", "organizations has no such custom field; create a field of type Text"),
        ([NUMBER, custom(2, "JDE Number")], "JDE Number", "has 2 custom fields"),
        ([custom(1, "JDE Number", "double")], "JDE Number", "not a text field"),
        ([standard("name")], "name", "no such custom field"),
    ],
)
def test_an_unusable_external_id_field_names_setting_and_remedy(
    metadata: list[dict[str, t.Any]], setting: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        entity_fields(ORGANIZATIONS, metadata, setting)
    assert "external_id_field" in str(caught.value)


def test_option_labels_lead_to_option_ids() -> None:
    options = [{"id": 4, "label": "Active"}, {"id": 7, "label": "On hold"}]
    fields = organizations(
        custom(2, "JDE Status", "enum", options=options),
        custom(3, "Tags", "set", options=options),
        standard("label_ids", "set", options=[{"id": "12", "label": "VIP"}]),
    ).description
    status, tags, labels = fields.find("JDE Status"), fields.find("Tags"), fields.find("label_ids")
    assert status is not None
    assert tags is not None
    assert labels is not None
    assert status.options == {"Active": 4, "On hold": 7}
    assert (status.type, tags.type) == (FieldType.OPTION, FieldType.OPTIONS)
    assert labels.options == {"VIP": 12}


def test_fields_of_contact_sync_exist_only_where_the_account_lists_them() -> None:
    without = entity_fields(PERSONS, [NUMBER], "JDE Number").description
    listed = entity_fields(PERSONS, [NUMBER, standard("job_title")], "JDE Number").description
    assert without.find("job_title") is None
    assert listed.find("job_title") is not None


def test_a_type_this_version_does_not_know_is_read_only() -> None:
    field = organizations(custom(2, "Drawing", "hologram")).description.find("Drawing")
    assert field is not None
    assert not field.creatable
    assert not field.updatable


def test_persons_point_to_organizations() -> None:
    field = entity_fields(PERSONS, [NUMBER], "JDE Number").description.find("org_id")
    assert field is not None
    assert field.relation == "organizations"


def test_a_create_carries_the_external_id_and_no_nulls() -> None:
    fields = organizations(custom(2, "Credit Limit", "double"), custom(3, "Tax ID"))
    body = values.body(
        fields,
        {"name": "Acme", "address": {"value": "Main St"}, "Credit Limit": 12.5, "Tax ID": None},
        external_id="1001",
    )
    assert body == {
        "name": "Acme",
        "address": {"value": "Main St"},
        "custom_fields": {key(1): "1001", key(2): 12.5},
    }


def test_parts_without_a_value_are_left_out() -> None:
    fields = organizations(custom(2, "Plant", "address"))
    address = {"value": "Main St", "locality": None}
    assert values.body(fields, {"address": address, "Plant": address}) == {
        "address": {"value": "Main St"},
        "custom_fields": {key(2): {"value": "Main St"}},
    }


def test_an_update_carries_only_what_it_is_given_and_clears_with_null() -> None:
    fields = organizations(custom(2, "Credit Limit", "double"), custom(3, "Tags", "set", options=[]))
    body = values.body(fields, {"Credit Limit": None, "Tags": [], "label_ids": None, "address": None})
    assert body == {"label_ids": [], "address": None, "custom_fields": {key(2): None, key(3): None}}


def test_relations_are_sent_as_numbers_and_read_as_text() -> None:
    fields = entity_fields(PERSONS, [NUMBER], "JDE Number")
    assert values.body(fields, {"org_id": "4711", "emails": None}) == {"org_id": 4711, "emails": []}
    assert values.record_values(fields, {"org_id": 4711})["org_id"] == "4711"


def test_records_come_back_in_the_form_they_are_sent_in() -> None:
    fields = entity_fields(PERSONS, [NUMBER, custom(2, "Contact Type"), custom(3, "Tags", "set")], "JDE Number")
    record = {
        "id": 88,
        "name": "Ana",
        "emails": [{"value": "a@x.example", "primary": True, "label": "work", "id": 5}],
        "phones": [],
        "custom_fields": {key(1): "1001-1", key(2): None, key(3): [9, 2]},
    }
    found = values.record_values(fields, record)
    assert found["emails"] == [{"value": "a@x.example", "primary": True, "label": "work"}]
    assert (found["phones"], found["Contact Type"], found["Tags"]) == ([], None, [2, 9])
    assert values.external_id(fields, record) == "1001-1"
    assert values.external_id(fields, {"custom_fields": {key(1): ""}}) is None


def test_every_field_type_one_can_create_is_known() -> None:
    creatable = (
        "varchar text double phone date daterange time timerange set enum varchar_auto address monetary org people user"
    )
    assert set(creatable.split()) <= set(CUSTOM_TYPES)
