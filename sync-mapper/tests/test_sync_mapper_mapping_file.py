"""Mapping files: where they are looked for, how they merge, what is wrong with them and where."""

from __future__ import annotations

import pytest
from sync_mapper import mapping_file
from sync_mapper.errors import MappingError

SCHEMA = {
    "type": "SCHEMA",
    "stream": "customers",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_properties": ["id"],
}
ROW = {"type": "RECORD", "stream": "customers", "record": {"id": 1}}


def write(pipe, text):
    (pipe.folder / "map.yml").write_text(text)


def test_a_mapping_file_is_read(pipe):
    write(pipe, "stream_map_config: {word: hi}\nstream_maps:\n  customers:\n    # a comment\n    a: config['word']\n")
    assert pipe.run([SCHEMA, ROW], mapping_file="map.yml").rows("customers") == [{"id": 1, "a": "hi"}]


def test_inline_streams_and_config_keys_take_the_place_of_the_files(mapper):
    write(
        mapper,
        "stream_map_config: {x: file, y: file}\nstream_maps:\n  customers:\n    a: config['x']\n  other: null\n",
    )
    inline = {"stream_maps": {"customers": {"c": "config['x'] + config['y']"}}, "stream_map_config": {"y": "inline"}}
    result = mapper.run([SCHEMA, ROW, {**SCHEMA, "stream": "other"}], mapping_file="map.yml", **inline)
    assert result.rows("customers") == [{"id": 1, "c": "fileinline"}]
    assert result.streams == ["customers"]


def test_a_relative_path_counts_from_here_then_from_the_meltano_project(tmp_path, monkeypatch):
    here, project = tmp_path / "here", tmp_path / "project"
    for place in (here, project):
        place.mkdir()
        (place / "both.yml").write_text(f"stream_maps: {{{place.name}: null}}\n")
    (project / "one.yml").write_text("stream_maps: {a: null}\n")
    monkeypatch.chdir(here)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(project))
    assert mapping_file.read("both.yml").stream_maps == {"here": None}
    assert mapping_file.read("one.yml").stream_maps == {"a": None}
    with pytest.raises(MappingError, match=r"there is no file 'no.yml' \(looked in .*here and .*project\)"):
        mapping_file.read("no.yml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stream_maps:\n  a: [\n", "map.yml:3:1: not valid YAML"),
        ("stream_maps:\n  a:\n   b: 1\n  c: '\n", "not valid YAML"),
        ("- a\n", "a mapping file has the keys stream_maps"),
        ("", "a mapping file has the keys stream_maps"),
        ("stream_map_config: {}\n", "stream_maps is missing or empty"),
        ("stream_maps: {a: null}\nstreammaps: {}\n", "map.yml:2:1: unknown key 'streammaps'"),
        ("stream_maps: 5\n", "map.yml:1:1: stream_maps must hold names with values"),
        ("stream_maps:\n  a:\n    x: y\n    x: z\n", "map.yml:4:5: 'x' stands twice (first at map.yml:3:5)"),
        ("stream_maps:\n  a:\n    x: 1\n", "map.yml:3:5: error: stream_maps.a.x: an expression is text"),
        ("stream_maps:\n  a:\n    no: x\n", "map.yml:3:5: error: stream_maps.a.no: `no` is False to YAML, and no text"),
        ("stream_maps:\n  a:\n\n    x: int(y\n", "map.yml:4:5: error: stream_maps.a.x: not an expression"),
        ("stream_maps:\n  a: text\n", "map.yml:2:3: error: stream_maps.a: a stream holds properties, or null"),
        ("stream_maps:\n  __else__: x\n", "map.yml:2:3: error: stream_maps.__else__: only null"),
        (
            "stream_maps:\n  customers:\n    __key_properties__: [nope]\n",
            "map.yml:3:26: error: stream_maps.customers.__key_properties__.0: the key `nope` is not among",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(mapper, text, told):
    write(mapper, text)
    result = mapper.run([SCHEMA], mapping_file="map.yml")
    assert result.code == 1
    assert result.messages == []
    assert len(result.errors) == 1, result.log
    assert told in result.errors[0]
    assert "Traceback" not in result.log


def test_a_missing_file(pipe):
    result = pipe.run([SCHEMA], mapping_file="none.yml")
    assert result.code == 1
    assert "mapping_file: there is no file 'none.yml'" in result.errors[0]


def test_anchors_and_merge_keys_may_be_used(mapper):
    write(
        mapper,
        "stream_maps:\n  customers: &same\n    a: str(id)\n"
        "  other:\n    <<: *same\n    __source__: customers\n    b: id\n",
    )
    result = mapper.run([SCHEMA, ROW], mapping_file="map.yml")
    assert result.rows("other") == [{"id": 1, "a": "1", "b": 1}]
