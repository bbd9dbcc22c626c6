"""What expressions can call: the SDK's functions and the methods of values, with the shapes they give."""

from __future__ import annotations

import ast
import typing as t

from sync_mapper.analysis.shapes import ANY, array, of_kind

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_mapper.analysis.shapes import Shape

NODES: tuple[type[ast.expr], ...] = (
    ast.Attribute,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.Dict,
    ast.DictComp,
    ast.FormattedValue,
    ast.GeneratorExp,
    ast.IfExp,
    ast.JoinedStr,
    ast.List,
    ast.ListComp,
    ast.Name,
    ast.Set,
    ast.Slice,
    ast.Starred,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
)
"""Parts of Python that the SDK's expression engine evaluates."""

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.RShift: ">>",
    ast.LShift: "<<",
    ast.BitXor: "^",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.UAdd: "+",
    ast.USub: "-",
    ast.Not: "not",
    ast.Invert: "~",
}
"""Operators it has."""

SIMPLER = "use conditions, comprehensions, methods and the functions there are"
"""What to do about parts of Python that it does not evaluate."""

HIDDEN_METHODS = frozenset({"format", "format_map", "mro", "tb_frame", "gi_frame", "ag_frame", "cr_frame", "exec"})
"""Methods it refuses, beside all names that begin with `_` or `func_`."""

TEXT, WHOLE, FRACTION, TRUTH = of_kind("string"), of_kind("integer"), of_kind("float"), of_kind("boolean")
DATE, MOMENT, TIME, SPAN = of_kind("date"), of_kind("datetime"), of_kind("time"), of_kind("timedelta")
TEXTS, SOME_TEXTS = array(TEXT), array(TEXT, 1)

FUNCTIONS: Mapping[str, Shape] = {
    "bool": TRUTH,
    "dict": of_kind("object"),
    "float": FRACTION,
    "int": WHOLE,
    "list": array(ANY),
    "md5": TEXT,
    "rand": FRACTION,
    "randint": WHOLE,
    "set": array(ANY),
    "sha256": TEXT,
    "str": TEXT,
    "tuple": array(ANY),
}
"""Functions of the SDK and what they give."""

TAKES_NULL = frozenset({"bool"})
"""Those of them that null does no harm to."""

NAMES: Mapping[str, Shape] = {
    "__stream_name__": TEXT,
    "__original_stream_name__": TEXT,
    "datetime": of_kind("datetime module"),
    "json": of_kind("json module"),
    "fake": of_kind("faker"),
}
"""Names that are no fields."""

_SAME = ("capitalize", "casefold", "center", "expandtabs", "ljust", "lower", "lstrip", "removeprefix", "removesuffix")
_SAME_TOO = ("replace", "rjust", "rstrip", "strip", "swapcase", "title", "translate", "upper", "zfill", "join")
_TESTS = ("endswith", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric")
_TESTS_TOO = ("isprintable", "isspace", "istitle", "isupper", "startswith")
_PLACES = ("count", "find", "index", "rfind", "rindex")
_OF_DATES: Mapping[str, Shape] = {
    "isoformat": TEXT,
    "strftime": TEXT,
    "ctime": TEXT,
    "weekday": WHOLE,
    "isoweekday": WHOLE,
    "toordinal": WHOLE,
    "isocalendar": array(WHOLE, 3),
    "timetuple": array(WHOLE, 9),
}

METHODS: Mapping[str, Mapping[str, Shape]] = {
    "string": {
        **dict.fromkeys((*_SAME, *_SAME_TOO), TEXT),
        **dict.fromkeys((*_TESTS, *_TESTS_TOO), TRUTH),
        **dict.fromkeys(_PLACES, WHOLE),
        **dict.fromkeys(("split", "rsplit"), SOME_TEXTS),
        **dict.fromkeys(("partition", "rpartition"), array(TEXT, 3)),
        "splitlines": TEXTS,
        "encode": of_kind("bytes"),
        "maketrans": of_kind("object"),
    },
    "bytes": {"decode": TEXT, "hex": TEXT},
    "array": {"count": WHOLE, "index": WHOLE, "copy": array(ANY), "pop": ANY, "append": ANY, "extend": ANY},
    "object": {
        **dict.fromkeys(("get", "pop", "setdefault"), ANY),
        **dict.fromkeys(("keys", "values", "items"), array(ANY)),
        "copy": of_kind("object"),
        "update": ANY,
    },
    "integer": {"bit_length": WHOLE, "as_integer_ratio": array(WHOLE, 2)},
    "boolean": {"bit_length": WHOLE},
    "float": {"is_integer": TRUTH, "hex": TEXT, "as_integer_ratio": array(WHOLE, 2)},
    "decimal": {"quantize": of_kind("decimal"), "normalize": of_kind("decimal"), "as_integer_ratio": array(WHOLE, 2)},
    "date": {**_OF_DATES, "replace": DATE},
    "datetime": {
        **_OF_DATES,
        "date": DATE,
        "time": TIME,
        "timetz": TIME,
        "replace": MOMENT,
        "astimezone": MOMENT,
        "timestamp": FRACTION,
        "tzname": ANY,
        "utcoffset": ANY,
    },
    "time": {"isoformat": TEXT, "strftime": TEXT, "replace": TIME},
    "timedelta": {"total_seconds": FRACTION},
    "datetime module": {"date": DATE, "datetime": MOMENT, "time": TIME, "timedelta": SPAN, "timezone": ANY},
    "date type": {**dict.fromkeys(("today", "fromisoformat", "fromtimestamp", "fromordinal", "strptime"), DATE)},
    "datetime type": {
        **dict.fromkeys(("today", "now", "utcnow", "fromisoformat", "fromtimestamp", "fromordinal"), MOMENT),
        **dict.fromkeys(("utcfromtimestamp", "strptime", "combine"), MOMENT),
    },
    "time type": {"fromisoformat": TIME},
    "timedelta type": {},
    "json module": {"dumps": TEXT, "loads": ANY},
}
"""Kind of value -> methods -> what they give."""

ATTRIBUTES: Mapping[str, Mapping[str, Shape]] = {
    "datetime module": {
        "date": of_kind("date type"),
        "datetime": of_kind("datetime type"),
        "time": of_kind("time type"),
        "timedelta": of_kind("timedelta type"),
        "timezone": ANY,
    },
    "date": dict.fromkeys(("year", "month", "day"), WHOLE),
    "datetime": dict.fromkeys(("year", "month", "day", "hour", "minute", "second", "microsecond"), WHOLE)
    | {"tzinfo": ANY},
    "time": dict.fromkeys(("hour", "minute", "second", "microsecond"), WHOLE),
    "timedelta": dict.fromkeys(("days", "seconds", "microseconds"), WHOLE),
    "date type": {"min": DATE, "max": DATE},
    "datetime type": {"min": MOMENT, "max": MOMENT},
    "integer": {"real": WHOLE, "imag": WHOLE, "numerator": WHOLE, "denominator": WHOLE},
    "float": {"real": FRACTION, "imag": FRACTION},
}
"""Kind of value -> attributes that are no methods."""

ARGUMENTS_MAY_BE_NULL = frozenset({"dumps", "get", "setdefault", "strip", "lstrip", "rstrip", "split", "rsplit"}) | {
    *("count", "index", "append", "astimezone", "now", "pop", "timezone", "splitlines")
}
"""Methods that take null as an argument."""

WORDS: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "decimal": "a number",
    "float": "a number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "date": "a date",
    "datetime": "a time stamp",
    "time": "a time",
    "timedelta": "a span of time",
}


def in_words(shape: Shape) -> str:
    """Return what a value is, for messages."""
    return " or ".join(sorted({WORDS.get(kind, kind) for kind in shape.kinds or ()})) or "null"
