"""The seeded emulator, with all its oddities, read to the last row; and the README's examples."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import jde_ais
import pytest
from jde_ais import AisClient, AisSettings, keyset_pages, to_typed
from service_emulators.jde.testing import start_jde

README = Path(__file__).parents[1] / "README.md"
KEYS = {
    "F0101": ["AN8"],
    "F0111": ["AN8", "IDLN"],
    "F0115": ["AN8", "IDLN", "CNLN", "RCK7"],
    "F01151": ["AN8", "IDLN", "RCK7"],
    "F0116": ["AN8", "EFTB"],
    "F03012": ["AN8", "CO"],
    "F0401": ["AN8"],
    "F0005": ["SY", "RT", "KY"],
    "F0006": ["MCU"],
}


@pytest.fixture(scope="module")
def site():
    with start_jde(customers=60, contacts=90, seed=3) as running:
        yield running


@pytest.mark.parametrize("switches", [{}, {"trailing_blanks": True, "null_dates": True, "fetch_cap": 40}])
@pytest.mark.parametrize("table", KEYS)
def test_every_row_of_a_seeded_table_is_read_as_it_is(site, table, switches):
    defaults = site.control.switches()
    site.control.switch(**switches)
    try:
        settings = AisSettings(site.url, site.username, site.password)
        with AisClient(settings) as client:
            kinds = {column.alias: column.kind for column in client.columns(table)}
            pages = keyset_pages(client, table, [], KEYS[table], key_kinds=kinds, page_size=40 if switches else 100)
            rows = [row for page in pages for row in to_typed(page.rows, kinds)]
            assert len(rows) == client.count(table)
    finally:
        site.control.switch(**defaults)
    truth = {tuple(str(row[column]).strip() for column in KEYS[table]): row for row in site.control.rows(table)}
    assert len(rows) == len(truth)
    for row in rows:
        real = truth[tuple(str(row[column]).strip() for column in KEYS[table])]
        for alias in ("UPMJ", "ALPH", "MLNM", "EMAL", "ADD1", "MCU", "DL01"):
            if alias in row:
                assert (row[alias] or "").strip() == (real[alias] or "").strip()
        if "ACL" in row:
            assert str(row["ACL"]) == str(real["ACL"])


def test_the_readmes_examples_run(site, monkeypatch, capsys):
    monkeypatch.setenv("AIS_URL", site.url)
    monkeypatch.setenv("AIS_USERNAME", site.username)
    monkeypatch.setenv("AIS_PASSWORD", site.password)
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    assert "1001" in capsys.readouterr().out


def test_what_is_public_is_listed_and_described():
    assert sorted(jde_ais.__all__) == jde_ais.__all__
    for name in jde_ais.__all__:
        public = getattr(jde_ais, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert public.__doc__, name
