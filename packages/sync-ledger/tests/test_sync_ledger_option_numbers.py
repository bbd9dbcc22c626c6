"""Options given by number."""

from __future__ import annotations

import decimal

import pytest
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.fields import EntityDescription, Field, FieldType

ENTITY = EntityDescription("accounts", (Field("terms", "terms", FieldType.OPTION, options={"Net 30": 1}),), None)


@pytest.mark.parametrize("given", [1, 1.0, decimal.Decimal("1.00"), "Net 30"])
def test_an_option_is_sent_in_the_services_own_form(given):
    found = normalise(ENTITY, {"terms": given})["terms"]
    assert (found, type(found)) == (1, int)


@pytest.mark.parametrize("given", [True, 1.5, "1.0"])
def test_what_only_looks_like_an_option_is_none(given):
    with pytest.raises(Invalid, match="has no option"):
        normalise(ENTITY, {"terms": given})
