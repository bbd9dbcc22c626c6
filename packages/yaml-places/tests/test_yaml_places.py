from __future__ import annotations

import pytest
import yaml
from yaml_places import Places, YamlError, load


@pytest.mark.parametrize(
    "text",
    [
        "k: >-\n  a + 'x' +\n\n     b  + [c\n  for c in d]\n",
        "k: |\n  (a +\n    'x' + b)\n",
        "k: a + 'x' +\n  b\n",
        "k: 'a + ''x'' + b'\n",
        'k: "a + \\"x\\" + b"\n',
        "- {k: a + b}\n",
    ],
)
def test_every_character_of_a_text_is_found_in_the_file(text):
    places = Places.of(text, yaml.compose(text))
    at = ("0", "k") if text.startswith("-") else ("k",)
    value = places.values[at].value
    lines = text.splitlines()
    for offset, character in enumerate(value):
        if not character.isspace():
            line, column = places.character(at, offset)
            assert lines[line - 1][column - 1] in {character, "\\", "'"}, (offset, character)
            if character.isalpha():
                assert lines[line - 1][column - 1] == character


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1,\n", "f.yml:2:1: not valid YAML: "),
        ("a:\n\t- b\n", "f.yml:2:1: not valid YAML: "),
        ("a: 2026-13-45\n", "f.yml:1:4: not valid YAML: 2026-13-45 cannot be read"),
        ("a: &x [*x]\n", "an alias (`*`) stands inside of what it names"),
        ("[" * 5000, "f.yml: cannot be read: it is nested too deeply"),
    ],
)
def test_what_is_no_yaml_is_one_line_with_its_place(tmp_path, text, told):
    (tmp_path / "f.yml").write_text(text)
    with pytest.raises(YamlError) as error:
        load(tmp_path / "f.yml", "f.yml")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_words_for_yes_and_no_may_be_texts(tmp_path):
    (tmp_path / "f.yml").write_text("on: [yes, no, off, true, False]\n")
    assert load(tmp_path / "f.yml", "f.yml")[1] == {True: [True, False, False, True, False]}
    assert load(tmp_path / "f.yml", "f.yml", words_are_texts=True)[1] == {"on": ["yes", "no", "off", True, False]}


def test_names_that_stand_twice_are_told_with_the_place_of_the_second(tmp_path):
    (tmp_path / "f.yml").write_text("a:\n  b: 1\n  b: 2\n")
    document, data = load(tmp_path / "f.yml", "f.yml")
    places = Places.of(document.text, document.root)
    assert data == {"a": {"b": 2}}
    assert places.doubles == [(("a", "b"), (3, 3))]
