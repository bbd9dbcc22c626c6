"""What `sync-mapper check` says of values is what the targets say of them; the shipped mappings have no mistake."""

from __future__ import annotations

import decimal
import json
import logging
import os
import subprocess
import time
import typing as t
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_emulators.testing import start_dynamics
from service_emulators.zoho.emulator import ZohoEmulator
from suite import BIN
from sync_ledger.engine.validate import Invalid, normalise
from sync_ledger.fields import EntityDescription, Field, FieldType
from sync_mapper import mapping_file
from sync_mapper.checking import catalog, fields
from sync_mapper.checking.at_start import StartChecks
from sync_mapper.checking.checker import check
from sync_mapper.checking.source import read

ROOT = Path(__file__).parents[1]
OPTIONS = {"Gold": 11, "Silver": 12, "x": "key"}
DECODER = msgspec.json.Decoder(float_hook=decimal.Decimal)

texts = st.sampled_from(
    [
        *(*OPTIONS, "", "5", " 7.5 ", "1e400", "nan", "12:30", "25:00", "2026-02-28", "2026-02-30"),
        *("2026-03-01T09:30:00Z", "a\0b"),
    ]
) | st.text(max_size=12)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([11, 12])
scalars = texts | numbers


def target_takes(field: Field, value: t.Any) -> bool:
    """Return whether a target takes a value as it comes through the pipe."""
    try:
        normalise(EntityDescription("things", (field,), None), {field.name: DECODER.decode(json.dumps(value))})
    except Invalid:
        return False
    return True


@settings(max_examples=600)
@given(st.sampled_from(FieldType), scalars | st.booleans(), st.none() | st.integers(1, 8))
def test_constants_are_refused_where_the_target_does(kind: FieldType, value: t.Any, longest: int | None) -> None:
    if kind in {FieldType.OBJECT, FieldType.LIST}:
        return  # their values are no constants
    if kind in {FieldType.OPTION, FieldType.OPTIONS} and isinstance(value, bool):
        return  # in Python 1 is True, so that it may be an option's id
    ours = fields.Field(
        "f",
        "f",
        kind.value,
        max_length=longest,
        options=[{"label": label, "id": identifier} for label, identifier in OPTIONS.items()],
    )
    theirs = Field("f", "f", kind, max_length=longest, options=OPTIONS)
    assert (fields.refusal(ours, value) is None) is target_takes(theirs, value), (kind, value)


SAMPLES: dict[str, list[t.Any]] = {
    "string": ["", "a", "5", "Gold"],
    "integer": [0, -3, 10**12],
    "number": [1.5, 0.25],
    "boolean": [True, False],
    "date": ["2026-03-01"],
    "date-time": ["2026-03-01T09:30:00+00:00"],
    "time": ["09:30:00"],
    "object": [{}, {"a": 1}],
    "array": [[], ["Gold"]],
}


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("name", SAMPLES)
def test_types_are_refused_where_the_target_refuses_all_their_values(kind: FieldType, name: str) -> None:
    field = Field("f", "f", kind, options={"Gold": 11} if kind in {FieldType.OPTION, FieldType.OPTIONS} else None)
    taken = [target_takes(field, value) for value in SAMPLES[name]]
    takes = fields.TAKES[kind.value]
    verdict = takes.get(name) or (takes.get("string") if name in {"date", "date-time", "time"} else None)
    if verdict is None:
        assert not any(taken)
    elif kind not in {FieldType.OPTION, FieldType.OPTIONS}:
        assert all(taken) or verdict == fields.SOMETIMES


def test_every_type_of_field_is_known() -> None:
    assert {kind.value for kind in FieldType} == set(fields.TAKES) == set(fields.WANTS)


@pytest.fixture(scope="module")
def jde_catalog() -> catalog.Catalog:
    """Return the catalog that the cases of the shipped mappings use; a test holds it to what the tap discovers."""
    return catalog.parse((ROOT / "mappings/tests/jde.catalog.json").read_bytes(), "catalog")


@pytest.mark.parametrize("file", sorted((ROOT / "mappings").glob("*.yml")), ids=lambda file: file.name)
def test_the_shipped_mappings_have_no_mistake(file: Path, jde_catalog: catalog.Catalog) -> None:
    known = jde_catalog
    if file.name == "jde-to-alerts.yml":
        known = catalog.parse((ROOT / "mappings/tests/jde-alerts.catalog.json").read_bytes(), "catalog")
    assert check(read(str(file)), known) == []
    assert check(read(str(file))) == []


def test_the_mapping_to_zoho_fits_what_the_emulated_org_describes(tmp_path: Path) -> None:
    with ZohoEmulator(demo_fields=True) as zoho:
        facts = zoho.describe()
        names = ("accounts_url", "upload_url", "client_id", "client_secret", "refresh_token")
        variables = {f"TARGET_ZOHO_{name.upper()}": facts[name] for name in names}
        described = subprocess.run(
            [BIN / "target-zoho", "describe", "--config=ENV"],
            env={**os.environ, **variables, "TARGET_ZOHO_TOKEN_FILE": str(tmp_path / "tokens.json")},
            capture_output=True,
            check=True,
            timeout=60,
        )
    fits("jde-to-zoho", described.stdout, tmp_path)


def test_the_mapping_to_dynamics_fits_what_the_emulated_environment_describes(tmp_path: Path) -> None:
    with start_dynamics(demo_columns=True) as dynamics:
        facts = dynamics.describe()
        names = ("tenant_id", "client_id", "client_secret", "org_url", "authority_url", "api_url")
        variables = {f"TARGET_DYNAMICS_{name.upper()}": facts[name] for name in names}
        described = subprocess.run(
            [BIN / "target-dynamics", "describe", "--config=ENV"],
            env={**os.environ, **variables, "TARGET_DYNAMICS_TOKEN_FILE": str(tmp_path / "tokens.json")},
            capture_output=True,
            check=True,
            timeout=60,
        )
    fits("jde-to-dynamics", described.stdout, tmp_path)


def fits(mapping: str, described: bytes, folder: Path) -> None:
    snapshot = folder / "destination.json"
    snapshot.write_bytes(described)
    files = ["--catalog", str(ROOT / "mappings/tests/jde.catalog.json"), "--destination", str(snapshot)]
    command = [BIN / "sync-mapper", "check", ROOT / f"mappings/{mapping}.yml", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_checks_at_the_start_of_a_run_take_less_than_a_second(jde_catalog: catalog.Catalog) -> None:
    file = str(ROOT / "mappings" / "jde-to-pipedrive.yml")
    begun = time.process_time()
    checks = StartChecks(mapping_file.read(file), logging.getLogger("test"), file=file)
    for stream in jde_catalog.streams.values():
        checks.check(stream.name, {"properties": stream.properties}, stream.key_properties)
    assert time.process_time() - begun < 1
