"""The fields an upsert matches by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service_emulators.zoho.errors import invalid

if TYPE_CHECKING:
    from service_emulators.zoho.catalog import Field, Module


def match_order(module: Module, given: Any) -> list[Field]:
    """Returns the fields an upsert matches by, in the order in which they are tried (fact sheet section 4).

    Args:
        module: module.
        given: `duplicate_check_fields` of the request; None when it is absent.

    Raises:
        ApiError: it names other fields than the system's and unique ones.
    """
    system = module.info.duplicate_field
    unique = [field.api_name for field in module.keys]
    if given is None:
        names = [system, *unique]
    else:
        allowed = {system, *(field.api_name for field in module.keys if field.unique is not None)}
        if not isinstance(given, list) or not given or not all(name in allowed for name in given):
            raise invalid(
                {
                    "api_name": "duplicate_check_fields",
                    "json_path": "$.duplicate_check_fields",
                    "supported_values": sorted(allowed),
                }
            )
        names = [*given, *unique]
    return [module.fields[name] for name in dict.fromkeys(names)]
