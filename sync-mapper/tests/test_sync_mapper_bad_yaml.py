"""Files that are no mapping: `check` and the mapper tell the place in one line, without a traceback."""

from __future__ import annotations

import typing as t

import pytest
from sync_mapper import mapping_file
from sync_mapper.checking import source
from sync_mapper.checking.structure import check
from sync_mapper.errors import MappingError

if t.TYPE_CHECKING:
    from pathlib import Path

LAUGHS = "\n".join(f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 12))


@pytest.mark.parametrize("read", [mapping_file.read, source.read], ids=["mapper", "check"])
@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (f"stream_maps:\n  a: {{n: 1{'0' * 5000}}}\n", ":2:10: ", "put it in quotes if it is text"),
        ("stream_maps:\n  a:\n    n: 2026-13-45\n", ":3:8: ", "2026-13-45 cannot be read"),
        ("stream_maps: &a\n  b: *a\n", ":1:14: ", "stands inside of what it names"),
        (f"stream_maps:\n  x0: &x0 {{n: name}}\n{LAUGHS}\n", ":7:7: ", "more than 100,000 values"),
        ("stream_maps:\n  a: " + "[" * 5000, ": ", "nested too deeply"),
        ("stream_maps:\n  a:\n    n: \"'\xfc'\"\n", ":3:1: ", "save it as UTF-8"),
        ("stream_maps: a\0b\n", ": ", "special characters"),
    ],
    ids=["huge", "day", "circle", "laughs", "deep", "latin-1", "nul"],
)
def test_what_yaml_cannot_read_is_one_line_with_its_place(
    tmp_path: Path, read: t.Callable[[str], t.Any], text: str, place: str, told: str
) -> None:
    file = tmp_path / "m.yml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(MappingError) as raised:
        read(str(file))
    message = str(raised.value)
    assert message.startswith(f"{file}{place}")
    assert told in message
    assert "\n" not in message
    assert len(message) < 400


def test_names_that_are_no_text_are_told_each_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "m.yml"
    file.write_text("stream_maps:\n  a:\n    2: x\n    true: x\n    null: x\n    2020-01-01: x\n", encoding="utf-8")
    read = source.read(str(file))
    check(read)
    assert [(one.line, one.at) for one in read.findings if one.code == "wrong_name"] == [
        (3, "stream_maps.a.2"),
        (4, "stream_maps.a.true"),
        (5, "stream_maps.a.null"),
        (6, "stream_maps.a.2020-01-01"),
    ]
