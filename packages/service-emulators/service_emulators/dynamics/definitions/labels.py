"""Labels as metadata shows and takes them."""

from __future__ import annotations

from typing import Any

from service_emulators.dynamics.errors import payload
from service_emulators.dynamics.schema.model import metadata_id

LANGUAGE = 1033


def label(text: str, *owner: str) -> dict[str, Any]:
    """Returns a label in the base language.

    Args:
        text: the text; empty for no label.
        owner: names of what it belongs to.
    """
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    localized = {
        "Label": text,
        "LanguageCode": LANGUAGE,
        "IsManaged": True,
        "MetadataId": metadata_id("label", *owner),
        "HasChanged": None,
    }
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def label_text(value: Any) -> str:
    """Returns the text of a label in a body, of the base language or else the first; empty without one.

    Raises:
        ApiError: 400, it has not the shape of a label.
    """
    if value is None:
        return ""
    found = value.get("LocalizedLabels") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise payload("", "A label must be an object with 'LocalizedLabels'.")
    texts = {one.get("LanguageCode"): one.get("Label") for one in found}
    if any(not isinstance(text, str) or not isinstance(code, int) for code, text in texts.items()):
        raise payload("", "A localized label must have a 'Label' and a 'LanguageCode'.")
    return str(texts.get(LANGUAGE, next(iter(texts.values()), "")))
