"""Reading alert files: one, several, or all of a folder make one whole.

Rules, receivers, time intervals, inhibit rules and silences may be spread over files; the root route and what holds for
the whole (`location`, `region`, `initial`, `storm_limit`) stand in one of them.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

import msgspec
from yaml_places import Places, YamlError, load

from alert_rules.errors import RulesError
from alert_rules.model import AlertFile
from alert_rules.places import Origins, Problem

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml_places import At

LISTS: t.Final = ("rules", "receivers", "inhibit_rules", "time_intervals", "silences")
"""Keys whose items may be spread over files."""

_ALL: t.Final = tuple(field.encode_name for field in msgspec.structs.fields(AlertFile))
_PATH = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")
_STEP_OF_PROBLEM = re.compile(r" - at `\$?(?P<path>[^`]*)`\Z")


@dataclass(frozen=True)
class Loaded:
    """An alert file as it is written, and where its parts stand.

    Attributes:
        file: What it says.
        origins: Where everything stands.
        hash: Hash of the content of all files.
    """

    file: AlertFile
    origins: Origins
    hash: str


def files_of(given: str | Sequence[str]) -> list[Path]:
    """Return the files that some paths name; of a folder its `*.yml` and `*.yaml`, in the order of their names.

    Raises:
        RulesError: One is missing, or a folder has none.
    """
    found: list[Path] = []
    for name in [given] if isinstance(given, str) else given:
        path = Path(name)
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix in {".yml", ".yaml"} and one.is_file())
            if not inside:
                raise RulesError(f"the folder {name} has no alert file (*.yml)")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise RulesError(f"there is no alert file {name}")
    return found


def read(given: str | Sequence[str]) -> Loaded:
    """Read alert files.

    Raises:
        RulesError: They cannot be read, or do not have the form of alert files.
    """
    loaded, origins, problems = examine(given)
    if loaded is None:
        raise RulesError(*map(origins.told, problems))
    return loaded


def examine(given: str | Sequence[str]) -> tuple[Loaded | None, Origins, list[Problem]]:
    """Read alert files, and return what is wrong with their form beside where their parts stand.

    Raises:
        RulesError: They cannot be read at all, or are no YAML.
    """
    origins = Origins()
    whole: dict[str, t.Any] = {}
    problems: list[Problem] = []
    content = hashlib.sha256()
    for path in files_of(given):
        name = str(path)
        try:
            document, data = load(path, name, words_are_texts=True)
        except YamlError as error:
            raise RulesError(str(error)) from error
        content.update(document.text.encode())
        places = origins.files[name] = Places.of(document.text, document.root)
        if not isinstance(data, dict):
            raise RulesError(f"{name}:1:1: an alert file has the keys {', '.join(_ALL)}")
        if places.doubles:
            twice = f"{name}:{{}}:{{}}: `{{}}` stands twice; take one out"
            raise RulesError(*(twice.format(line, column, at[-1]) for at, (line, column) in places.doubles))
        _add(whole, data, name, origins, problems)
    if not problems:
        problems += _form(whole)
    if problems:
        return None, origins, problems
    return Loaded(msgspec.convert(whole, AlertFile), origins, content.hexdigest()), origins, []


def _add(
    whole: dict[str, t.Any], data: dict[t.Any, t.Any], name: str, origins: Origins, problems: list[Problem]
) -> None:
    """Add a file to the whole."""
    for key, value in data.items():
        at = (str(key),)
        if key not in _ALL:
            problems.append(_unknown(at, name, origins))
        elif key in LISTS:
            if not isinstance(value, list):
                origins.parts.setdefault(at, (name, at))
                problems.append(Problem(at, "wrong_form", f"`{key}` must be a list", "begin each item with `- `"))
                continue
            items = whole.setdefault(str(key), [])
            origins.parts.setdefault(at, (name, at))
            for index, item in enumerate(value):
                place = (*at, str(len(items)))
                origins.parts[place] = (name, (*at, str(index)))
                items.append(item)
        elif key in whole:
            first = origins.place(at)
            origins.parts[at] = (name, at)
            problems.append(Problem(at, "twice", f"`{key}` stands here and at {first}", "keep one of them"))
        else:
            origins.parts[at] = (name, at)
            whole[str(key)] = value


def _unknown(at: At, name: str, origins: Origins) -> Problem:
    origins.parts[at] = (name, at)
    near = difflib.get_close_matches(at[0], _ALL, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else f"an alert file has {', '.join(_ALL)}"
    return Problem(at, "unknown_key", f"unknown key `{at[0]}`", remedy)


def _form(whole: dict[str, t.Any]) -> list[Problem]:
    """Return all that does not have the form of an alert file."""
    problems: list[Problem] = []
    for key, what in (("rules", "rule"), ("receivers", "receiver"), ("route", "route")):
        if not whole.get(key):
            remedy = "name a receiver: `route: {receiver: ...}`" if key == "route" else f"write at least one {what}"
            problems.append(Problem((key,), "missing", f"`{key}` is missing or empty", remedy))
    types = {field.encode_name: field.type for field in msgspec.structs.fields(AlertFile)}
    hints = t.get_type_hints(AlertFile)
    for key, value in whole.items():
        if key in LISTS:
            (kind,) = t.get_args(hints[key])
            for index, item in enumerate(value):
                problems += _problems(item, kind, (key, str(index)))
        elif value is not None and not any(one.at == (key,) for one in problems):
            problems += _problems(value, types[key], (key,))
    return problems


def _problems(value: t.Any, kind: t.Any, at: At) -> list[Problem]:
    """Return what is wrong with the form of a part: each key that is wrong is taken out and the rest read on."""
    problems: list[Problem] = []
    left = copy.deepcopy(value)
    taken: set[At] = set()
    while True:
        try:
            msgspec.convert(left, kind)
        except msgspec.ValidationError as error:
            missing, problem = _told(str(error), at)
            if missing not in taken and not (missing and _misspelt(missing, problems)):
                problems.append(problem)
            if missing is not None or not (there := _take_out(left, problem.at[len(at) :])):
                return problems
            taken.add((*at, *there))
        else:
            return problems


def _misspelt(missing: At, problems: Sequence[Problem]) -> bool:
    """Return whether what is missing is there under another name."""
    return any(one.at[:-1] == missing[:-1] and one.remedy == f"did you mean `{missing[-1]}`?" for one in problems)


def _told(text: str, above: At) -> tuple[At | None, Problem]:
    """Return what msgspec says as a problem with its place, and the place of what is missing if that is it."""
    found = _STEP_OF_PROBLEM.search(text)
    message = text[: found.start()] if found else text
    inner = [name or index for name, index in _PATH.findall(found["path"])] if found else []
    steps = (*above, *(step for step in inner if step != "..."))
    if unknown := re.search(r"unknown field `([^`]*)`", message):
        known = _fields_at(steps)
        near = difflib.get_close_matches(unknown[1], known, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
        return None, Problem((*steps, unknown[1]), "unknown_key", f"unknown key `{unknown[1]}`", remedy)
    if missing := re.search(r"missing required field `([^`]*)`", message):
        return (*steps, missing[1]), Problem(steps, "missing", f"`{missing[1]}` is missing", "add it")
    name = next((step for step in reversed(steps) if not step.isdigit()), "")
    return None, Problem(steps, "wrong_form", f"`{name}`: {message[:1].lower()}{message[1:]}")


def _fields_at(steps: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that a place of the file may have."""
    kind: t.Any = msgspec.inspect.type_info(AlertFile)
    for step in steps:
        kind = _held(kind)
        if isinstance(kind, (msgspec.inspect.ListType, msgspec.inspect.DictType)):
            kind = kind.item_type if isinstance(kind, msgspec.inspect.ListType) else kind.value_type
        elif isinstance(kind, msgspec.inspect.StructType):
            kind = next((one.type for one in kind.fields if one.encode_name == step), None)
    kind = _held(kind)
    return tuple(one.encode_name for one in kind.fields) if isinstance(kind, msgspec.inspect.StructType) else ()


def _held(kind: t.Any) -> t.Any:
    """Return the type that a value has when it is not null."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)), kind)
    return kind


def _take_out(left: t.Any, at: At) -> At | None:
    """Take the key out that leads to what is wrong, and return where it was; None if there is none to take out."""
    holders = [left]
    for step in at:
        holder = holders[-1]
        inner = (
            holder[int(step)] if isinstance(holder, list) else holder.get(step) if isinstance(holder, dict) else None
        )
        holders.append(inner)
    for end in range(len(at), 0, -1):
        holder = holders[end - 1]
        if isinstance(holder, dict) and at[end - 1] in holder:
            del holder[at[end - 1]]
            return at[:end]
    return None
