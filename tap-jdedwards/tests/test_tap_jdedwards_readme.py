from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from tap_jdedwards.bookmark import TableBookmark
from tap_jdedwards.composed.bookmark import ComposedBookmark
from tap_jdedwards.composed.loading import parse_definitions
from tap_jdedwards.dictionary import load_dictionary
from tap_jdedwards.settings import CONFIG_SCHEMA, DEFAULT_STREAMS, DEFAULT_TABLES
from tap_jdedwards.tap import TapJDEdwards

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def table_after(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")]


def code(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_settings_are_those_of_about(capsys):
    TapJDEdwards.print_about("markdown")
    about = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert table_after("Settings") == about


def test_the_capabilities_are_those_of_about():
    told = re.findall(r"`([a-z-]+)`", README.split("\n## Capabilities\n")[1].split("\n\n")[0])
    assert told == [str(capability.value) for capability in TapJDEdwards.capabilities]


def test_the_streams_are_those_of_the_defaults_with_their_keys():
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table_after("Streams")[2:]]
    told = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows if row[0].startswith("`")}
    assert list(told) == [*DEFAULT_TABLES, *DEFAULT_STREAMS]
    for table in DEFAULT_TABLES:
        assert told[table] == list(load_dictionary().tables[table].key)


def test_the_state_shown_can_be_read_and_is_written_so():
    (text,) = code("json")
    bookmarks = json.loads(text)["bookmarks"]
    for table in ("F0101", "F0115"):
        assert TableBookmark.from_state(bookmarks[table]).to_state() == bookmarks[table]
    assert ComposedBookmark.from_state(bookmarks["customers"], ["F0101", "F0116"]).to_state() == bookmarks["customers"]


def test_the_definition_shown_is_valid():
    definitions = [text for text in code("yaml") if text.startswith("vendors")]
    assert list(parse_definitions(definitions[0], load_dictionary())) == ["vendors"]
    meltano = yaml.safe_load(code("yaml")[0])["plugins"]["extractors"][0]
    assert {setting["name"] for setting in meltano["settings"]} <= set(CONFIG_SCHEMA["properties"])


def test_every_setting_is_described_and_none_is_a_float():
    for name, schema in CONFIG_SCHEMA["properties"].items():
        assert schema["description"], name
        assert "number" not in schema["type"], name
    secret = [name for name, schema in CONFIG_SCHEMA["properties"].items() if schema.get("writeOnly")]
    assert secret == ["password", "jwt"]
