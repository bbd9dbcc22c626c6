from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from tap_jdedwards.bookmark import TableBookmark
from tap_jdedwards.composed.bookmark import ComposedBookmark
from tap_jdedwards.composed.loading import definitions, parse_definitions
from tap_jdedwards.dictionary import load_dictionary
from tap_jdedwards.settings import CONFIG_SCHEMA, DEFAULT_STREAMS, DEFAULT_TABLES
from tap_jdedwards.shards import Part
from tap_jdedwards.tap import TapJDEdwards

HERE = Path(__file__).parents[1]
README = (HERE / "README.md").read_text(encoding="utf-8")


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


def test_the_streams_are_those_of_the_defaults_and_definitions_with_their_keys():
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table_after("Streams")[2:]]
    told = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows if row[0].startswith("`")}
    composed = definitions()
    assert list(told) == [*DEFAULT_TABLES, *composed]
    assert set(DEFAULT_STREAMS) <= composed.keys()
    for name, key in told.items():
        assert key == list(composed[name].key if name in composed else load_dictionary().tables[name].key), name


def test_the_state_shown_can_be_read_and_is_written_so():
    (text,) = code("json")
    told = {"deletes", "full_table", "shard"}  # of whom others write what they read
    for stream, shown in json.loads(text)["bookmarks"].items():
        own = {key: value for key, value in shown.items() if key not in told}
        if "tables" in shown:
            assert ComposedBookmark.from_state(shown, shown["tables"]).to_state() == own, stream
        elif own:
            key = shown["replication_key"]
            time_key = None if key == "DGJ" else "UPMT"
            assert TableBookmark.from_state(shown, key, time_key).to_state() == own, stream
        if "shard" in shown:
            part = Part(tuple(shown["shard"].values()), "AN8")
            part.check(stream, shown)
            assert part.to_state() == {"shard": shown["shard"]}


def test_every_key_of_the_state_is_explained():
    (text,) = code("json")
    explained = " ".join(line.split("|")[1] for line in table_after("State"))
    for shown in json.loads(text)["bookmarks"].values():
        for key in shown:
            assert key in explained or key.replace("replication_key", "") in explained, key


def test_the_definition_shown_is_valid():
    shown = [text for text in code("yaml") if text.startswith("suppliers")]
    assert list(parse_definitions(shown[0], load_dictionary())) == ["suppliers"]
    meltano = yaml.safe_load(code("yaml")[1])["plugins"]["extractors"][0]
    assert {setting["name"] for setting in meltano["settings"]} <= set(CONFIG_SCHEMA["properties"])
    assert sorted(meltano["capabilities"]) == sorted(str(one.value) for one in TapJDEdwards.capabilities)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README):
        if "://" not in target:
            assert (HERE / target).exists(), target


def test_every_setting_is_described_and_none_is_a_float():
    for name, schema in CONFIG_SCHEMA["properties"].items():
        assert schema["description"], name
        assert "number" not in schema["type"], name
    secret = [name for name, schema in CONFIG_SCHEMA["properties"].items() if schema.get("writeOnly")]
    assert secret == ["password", "jwt", "proxy_url"]
