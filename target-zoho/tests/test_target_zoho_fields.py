from __future__ import annotations

import typing as t

import pytest
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.errors import ConfigError
from sync_ledger.fields import AmbiguousFieldError, FieldType
from target_zoho.fields import LONGEST_OPTION, module_fields

if t.TYPE_CHECKING:
    from target_zoho.fields import ModuleFields


def field(name: str, kind: str = "text", **more: t.Any) -> dict[str, t.Any]:
    return {
        "api_name": name,
        "field_label": name.replace("_", " "),
        "data_type": kind,
        "id": f"55{abs(hash(name)) % 10**6}",
        "unique": {},
        "operation_type": {"api_create": True, "api_update": True},
        **more,
    }


KEY = field("JDE_Number", length=100, unique={"case_sensitive": False})


def options(*values: str) -> list[dict[str, str]]:
    return [{"display_value": value, "actual_value": value} for value in ("-None-", *values)]


def accounts(*metadata: dict[str, t.Any], **more: t.Any) -> ModuleFields:
    return module_fields("Accounts", [KEY, *metadata], "JDE Number", **more)


def found(fields: ModuleFields, name: str) -> t.Any:
    hit = fields.description.find(name)
    assert hit is not None
    return hit


def test_a_field_goes_by_its_api_name_and_answers_to_its_label() -> None:
    fields = accounts(field("Credit_Limit", "currency"), field("Account_Name", length=200, system_mandatory=True))
    assert found(fields, "Credit Limit") is found(fields, "Credit_Limit")
    assert found(fields, "Credit Limit").name == "Credit_Limit"
    name = found(fields, "Account Name")
    assert (name.required, name.nullable, name.max_length, name.type) == (True, False, 200, FieldType.STRING)


def test_a_label_that_is_the_api_name_of_another_field_means_that_one() -> None:
    fields = accounts(field("Phone"), field("Phone_1", field_label="Phone"))
    assert found(fields, "Phone").key == "Phone"
    assert found(fields, "Phone_1").key == "Phone_1"


def test_two_fields_of_one_label_are_told_apart_by_their_api_names_only() -> None:
    fields = accounts(field("Terms_1", field_label="Terms"), field("Terms_2", field_label="Terms"))
    with pytest.raises(AmbiguousFieldError, match="Terms_1, Terms_2"):
        fields.description.find("Terms")
    assert found(fields, "Terms_2").key == "Terms_2"


@pytest.mark.parametrize(
    ("metadata", "setting", "words"),
    [
        ([], "JDE Number", r"Accounts has no such field; `target-zoho setup Accounts` makes it"),
        ([field("JDE_Number")], "JDE Number", "that field of Accounts is not unique"),
        ([field("JDE_Number", "integer", unique={"case_sensitive": False})], "JDE_Number", "no text field"),
        ([{**KEY, "read_only": True}], "JDE_Number", "no text field this user may write"),
        (
            [{**KEY, "api_name": "A"}, {**KEY, "api_name": "B"}],
            "JDE Number",
            "has 2 fields with that label; use the API name, one of A, B",
        ),
        ([field("JDE_Number", external={"type": "user", "show": True})], "JDE Number", "is not unique"),
    ],
)
def test_a_field_not_fit_for_the_external_id_is_refused_with_the_remedy(
    metadata: list[dict[str, t.Any]], setting: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        module_fields("Accounts", metadata, setting)
    assert str(caught.value).startswith(f"setting external_id_field {setting!r}: ")


def test_the_external_id_field_may_be_named_either_way() -> None:
    assert module_fields("Accounts", [KEY], "JDE_Number").key == "JDE_Number"
    assert module_fields("Accounts", [KEY], "JDE Number").key == "JDE_Number"


def test_other_unique_fields_are_known_and_the_external_id_is_not_among_them() -> None:
    external = field("Shop_ID", external={"type": "org", "show": True})
    fields = accounts(field("Tax_ID", unique={"case_sensitive": True}), field("Phone"), external)
    assert fields.unique == {"Tax_ID", "Shop_ID"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", FieldType.STRING),
        ("textarea", FieldType.STRING),
        ("email", FieldType.STRING),
        ("bigint", FieldType.INTEGER),
        ("double", FieldType.NUMBER),
        ("currency", FieldType.NUMBER),
        ("boolean", FieldType.BOOLEAN),
        ("date", FieldType.DATE),
        ("datetime", FieldType.DATETIME),
        ("picklist", FieldType.OPTION),
        ("multiselectpicklist", FieldType.OPTIONS),
        ("ownerlookup", FieldType.OPTION),
    ],
)
def test_every_type_a_mapping_writes_is_known(kind: str, expected: FieldType) -> None:
    assert found(accounts(field("X", kind)), "X").type is expected


@pytest.mark.parametrize(
    "item",
    [
        field("Total", "formula"),
        field("Items", "subform"),
        field("Total", "hologram"),
        field("Total", read_only=True),
        field("Total", field_read_only=True),
        field("Total", "lookup"),
        field("Tag", json_type="jsonarray"),
    ],
)
def test_what_cannot_be_written_is_read_only(item: dict[str, t.Any]) -> None:
    hit = found(accounts(item), item["api_name"])
    assert (hit.creatable, hit.updatable) == (False, False)


def test_a_field_that_can_only_be_given_at_first_is_not_updatable() -> None:
    hit = found(accounts(field("X", operation_type={"api_create": True, "api_update": False})), "X")
    assert (hit.creatable, hit.updatable) == (True, False)


@pytest.mark.parametrize("module", [{"api_name": "Accounts", "id": "1"}, "Accounts"])
def test_a_lookup_is_a_relation_to_its_module(module: t.Any) -> None:
    assert found(accounts(field("Parent_Account", "lookup", lookup={"module": module})), "Parent Account").relation == (
        "Accounts"
    )


def test_a_picklist_takes_what_it_shows_and_its_values() -> None:
    listed = [{"display_value": "On hold", "actual_value": "H"}, *options("Active")]
    description = accounts(field("Status", "picklist", pick_list_values=listed)).description
    assert normalise(description, {"Status": "On hold"}) == {"Status": "H"}
    assert normalise(description, {"Status": "H"}) == {"Status": "H"}
    for value in ("-None-", "Closed", ""):
        with pytest.raises(Invalid, match="has no option"):
            normalise(description, {"Status": value})


def test_a_picklist_that_grows_takes_any_short_text() -> None:
    items = [field("Status", "picklist", pick_list_values=options("Active"))]
    items += [field("Regions", "multiselectpicklist", pick_list_values=options("EMEA"))]
    description = accounts(*items, add_options=True).description
    assert normalise(description, {"Status": "Closed", "Regions": ["US", "EMEA"]}) == {
        "Status": "Closed",
        "Regions": ["EMEA", "US"],
    }
    assert list(found(accounts(*items, add_options=True), "Status").options) == ["Active"]
    for value in ("", " ", "x" * (LONGEST_OPTION + 1), 7, "-None-"):
        with pytest.raises(Invalid):
            normalise(description, {"Status": value})


def test_owners_are_given_by_what_the_users_are_called() -> None:
    description = accounts(field("Owner", "ownerlookup"), users={"sam@acme.example": "77"}).description
    owner = description.find("Owner")
    assert owner is not None
    assert (owner.people, owner.nullable) == (True, False)
    assert normalise(description, {"Owner": "sam@acme.example"}) == {"Owner": "77"}
