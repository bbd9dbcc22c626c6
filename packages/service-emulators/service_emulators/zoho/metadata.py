"""Modules and fields as the settings endpoints describe them (fact sheet section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service_emulators.zoho.catalog import Catalog, Field, Module
    from service_emulators.zoho.org import Org

_JSON_TYPES = {
    "integer": "integer",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "userlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "tag": "jsonarray",
    "territories": "jsonarray",
}
_SHOWN_TYPES = {"tag": "text", "territories": "multiselectlookup"}
_LENGTHS = {"picklist": 120, "boolean": 5, "date": 20, "datetime": 120, "lookup": 120, "ownerlookup": 120, "double": 9}
_DEFAULT_LENGTH = 255
_UNSORTABLE = frozenset({"textarea", "tag", "territories", "multiselectpicklist", "profileimage"})


def describe_module(module: Module, org: Org) -> dict[str, Any]:
    """Returns a module as `GET /settings/modules` lists it."""
    info = module.info
    return {
        "id": str(info.id),
        "api_name": info.api_name,
        "module_name": info.plural,
        "singular_label": info.singular,
        "plural_label": info.plural,
        "actual_singular_label": info.singular,
        "actual_plural_label": info.plural,
        "generated_type": "custom" if info.custom else "default",
        "api_supported": True,
        "creatable": True,
        "editable": True,
        "deletable": True,
        "viewable": True,
        "visible": True,
        "show_as_tab": True,
        "isBlueprintSupported": True,
        "global_search_supported": True,
        "presence_sub_menu": True,
        "triggers_supported": True,
        "feeds_required": False,
        "scoring_supported": True,
        "webform_supported": True,
        "convertable": False,
        "inventory_template_supported": False,
        "quick_create": True,
        "emailTemplate_support": True,
        "filter_supported": True,
        "public_fields_configured": False,
        "recycle_bin_on_delete": True,
        "has_more_profiles": False,
        "sub_menu_available": False,
        "sequence_number": 1,
        "status": "visible",
        "visibility": 1,
        "business_card_field_limit": 5,
        "profile_count": len(org.profiles),
        "profiles": [{"name": name, "id": str(number)} for name, number in org.profiles.items()],
        "parent_module": {},
        "arguments": [],
        "web_link": None,
        "description": None,
        "access_type": "org_based",
        "modified_by": None,
        "modified_time": None,
    }


def describe_field(module: Module, field: Field, catalog: Catalog, org: Org) -> dict[str, Any]:
    """Returns a field as `GET /settings/fields` lists it."""
    kind = field.data_type
    writable = not field.read_only
    permission = "read_write" if writable else "read_only"
    values = [
        {
            "display_value": option.display_value,
            "actual_value": option.actual_value,
            "reference_value": option.actual_value,
            "sequence_number": place,
            "id": str(option.id),
            "type": "used",
        }
        for place, option in enumerate(field.options, 1)
    ]
    lookup: dict[str, Any] = {}
    if field.lookup is not None:
        target = catalog.modules()[field.lookup]
        lookup = {
            "display_label": f"{module.info.plural} of {field.label}"[:50],
            "revalidate_filter_during_edit": False,
            "api_name": f"{module.name}_{field.api_name}"[:50],
            "module": {"api_name": target.name, "crypt": False, "id": str(target.info.id)},
            "id": str(field.id),
            "query_details": {"system_query_id": None},
        }
    return {
        "id": str(field.id),
        "api_name": field.api_name,
        "field_label": field.label,
        "display_label": field.label,
        "data_type": _SHOWN_TYPES.get(kind, kind),
        "json_type": _JSON_TYPES.get(kind, "string"),
        "length": field.length or _LENGTHS.get(kind, _DEFAULT_LENGTH),
        "decimal_place": field.decimals,
        "system_mandatory": field.mandatory,
        "read_only": field.read_only,
        "field_read_only": field.read_only,
        "visible": True,
        "custom_field": field.custom,
        "created_source": "custom" if field.custom else "default",
        "unique": {} if field.unique is None else field.unique,
        "external": None if field.external is None else {"show": True, "type": field.external},
        "pick_list_values": values,
        "pick_list_values_sorted_lexically": False,
        "lookup": lookup,
        "multiselectlookup": {},
        "multi_module_lookup": {},
        "rollup_summary": {},
        "formula": {},
        "auto_number": {},
        "currency": {"rounding_option": "normal", "precision": 2} if kind == "currency" else {},
        "convert_mapping": {},
        "operation_type": {
            "web_view": True,
            "web_create": writable,
            "web_update": writable,
            "api_create": writable,
            "api_update": writable,
        },
        "view_type": {"view": True, "edit": writable, "quick_create": False, "create": writable},
        "profiles": [
            {"permission_type": permission, "name": name, "id": str(number)} for name, number in org.profiles.items()
        ],
        "virtual_field": False,
        "searchable": kind not in _UNSORTABLE,
        "sortable": kind not in _UNSORTABLE,
        "filterable": kind not in _UNSORTABLE,
        "mass_update": writable,
        "webhook": True,
        "type": "used",
        "display_type": -1,
        "ui_type": 1,
        "public": False,
        "separator": False,
        "range": None,
        "email_parser": {"fields_update_supported": True, "record_operations_supported": True},
        "display_field": field.api_name == module.info.display_field,
        "association_details": None,
        "businesscard_supported": True,
        "colour_code_enabled_by_system": False,
        "enable_colour_code": False,
        "history_tracking_enabled": False,
        "tooltip": None,
        "crypt": None,
        "private": None,
        "created_time": None,
        "modified_time": None,
    }
