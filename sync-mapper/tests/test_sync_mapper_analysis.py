"""Expressions before there is a row: types, nulls that would do harm, names that do not exist."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sync_mapper.analysis import Scope, analyse

TEXT = {"type": ["string", "null"]}
PROPERTIES = {
    "id": {"type": "integer"},
    "qty": {"type": ["integer", "null"]},
    "price": {"type": ["number", "null"]},
    "rate": {"type": "number"},
    "st": TEXT,
    "word": {"type": "string"},
    "day": {"type": ["string", "null"], "format": "date"},
    "a": {"type": ["object", "null"], "properties": {"x": TEXT, "items": TEXT}},
    "xs": {"type": ["array", "null"], "items": {"type": "string"}},
    "phones": {"type": ["array", "null"], "items": {"type": "object", "properties": {"number": TEXT}}},
    "anything": {},
}
CONFIG = {"table": {"a": "A", "b": "B"}, "closed": ["1"]}
SCOPE = Scope(
    PROPERTIES,
    CONFIG,
    expressions={"city": "a['x'].upper()"},
    tables={"groups": {"G": "Gold"}, "from_stream": None},
    computed=frozenset({"total", "qty"}),
    streams=frozenset({"orders"}),
)


def types(expression):
    schema = analyse(expression, SCOPE).schema
    return None if schema is None else sorted({*schema["type"]} - {"null"})


def codes(expression, scope=SCOPE):
    return [problem.code for problem in analyse(expression, scope).problems]


# -- the rows of the table of expressions the SDK's engine was measured with ----------------------------------------


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("qty * price", ["number"]),
        ("qty * qty", ["integer"]),
        ("qty / 2", ["number"]),
        ("1 if st == 'open' else 0", ["integer"]),
        ("{'value': st, 'line': id}", ["object"]),
        ("[st]", ["array"]),
        ("'Y' if st == 'open' else 'N'", ["string"]),
        ("f'{id}!'", ["string"]),
        ("{'a': 'A'}.get(st, '?')", ["string"]),
        ("config['table'].get(st)", ["string"]),
        ("[x for x in xs or []]", ["array"]),
        ("md5(word)", ["string"]),
        ("datetime.date.today()", ["string"]),
        ("json.dumps(xs)", ["string"]),
        ("int(qty) if qty is not None else None", ["integer"]),
        ("qty is not None and price is None", ["boolean"]),
    ],
)
def test_types_are_told_by_the_source_and_never_silently_text(expression, found):
    assert types(expression) == found
    assert "untyped" not in codes(expression)


@pytest.mark.parametrize(
    "expression", ["a.x if a else None", "a['x'] if a else None", "record.get('st')", "_['st']", "{**(a or {})}"]
)
def test_nested_fields_and_the_record(expression):
    assert codes(expression) == []


def test_a_conversion_of_null_is_told_with_what_to_write():
    [problem] = analyse("int(qty)", SCOPE).problems
    assert (problem.code, problem.column) == ("null_unsafe", 4)
    assert problem.message == "`qty` may be null, and int() fails on null"
    assert "`int(qty) if qty is not None else None`" in problem.remedy
    assert "`integer(qty)`" in problem.remedy
    assert codes("int(qty) if qty is not None else None") == []


def test_a_field_computed_by_the_same_map_is_told_with_the_way_out():
    [problem] = analyse("total * 2", SCOPE).problems
    assert problem.code == "unknown_name"
    assert "computed by the same map" in problem.message
    assert "`expressions`" in problem.remedy


@pytest.mark.parametrize(
    ("expression", "code", "told"),
    [
        ("orders.total", "unknown_name", "another stream"),
        ("sum(xs)", "unknown_function", "no function sum()"),
        ("max([id, 1])", "unknown_function", "no function max()"),
        ("[x for x in orders]", "unknown_name", "another stream"),
    ],
)
def test_other_streams_and_aggregates_are_refused_with_the_reason(expression, code, told):
    problem = analyse(expression, SCOPE).problems[0]
    assert problem.code == code
    assert told in problem.message
    assert problem.remedy
    assert problem.is_error


# -- nulls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        *("qty + 1", "-qty", "qty > 1", "price * 2", "int(st)", "float(price)", "str(qty)", "f'{st}'", "'%s' % st"),
        *("st.upper()", "a['x']", "a.x", "xs[0]", "[x for x in xs]", "[*xs]", "{**a}", "'x' in xs", "st[:2]"),
        *("md5(st)", "datetime.date.fromisoformat(day)", "[p['number'].strip() for p in phones or []]", "a.get('x')"),
        *("', '.join([p['number'] for p in phones or []])", "(st or a['x']).upper()", "qty and price + 1"),
        *("qty + 1 if st is not None else None", "qty + 1 if qty is None else 0", "a['x'] if a or st else None"),
    ],
)
def test_uses_that_null_does_harm_to(expression):
    assert "null_unsafe" in codes(expression)


@pytest.mark.parametrize(
    "expression",
    [
        *("qty + 1 if qty is not None else None", "qty + 1 if qty else None", "qty is not None and qty > 1"),
        *("None if qty is None else qty + 1", "(qty or 0) + 1", "qty != None and qty > 1", "not qty or qty > 1"),
        *("(st or '').upper()", "st and st.upper()", "st.upper() if st in config['closed'] else None"),
        *("st.upper() if st == 'x' else ''", "(a or {}).get('x')", "a and a['x']", "[x for x in xs or []]"),
        *("xs[0] if xs else None", "', '.join([p['number'] for p in phones or [] if p['number']])"),
        *("a['x'].upper() if a and a['x'] else None", "a['x'].upper() if (a or {}).get('x') and a['x'] else None"),
        *("qty + price if qty is not None and price is not None else None", "bool(st)", "st == 'x'", "st is None"),
        *(
            "qty + 1 if bool(qty) else 0",
            "[phones[0]['number'] for p in phones or []]",
            "'b' if not st else st.upper()",
        ),
        *("str(id)", "f'{id}-{word}'", "json.dumps(st)", "[x for x in [st] if x][0:1]", "anything.upper()"),
        *("st.upper() if st and (qty or st) else None", "(st or word).upper()", "[st or ''][0].upper()"),
    ],
)
def test_conditions_that_keep_null_away_are_understood(expression):
    assert codes(expression) == [] or codes(expression) == ["untyped"]


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        *(("qty is not None", "qty + 1"), ("qty", "qty + 1"), ("qty != None", "int(qty)"), ("not qty is None", "-qty")),
        *(
            ("qty and st", "f'{qty}{st}'"),
            ("st == 'x' and (qty or price)", "st.upper()"),
            ("(a or {}).get('x')", "a.x"),
        ),
        *(("has_items", "a['items'].strip()"), ("word == 'y' and has_items", "a.items()"), ("xs", "xs[0]")),
        *(("qty > 1", "qty + 1"), ("bool(st)", "st.upper()"), ("not (qty is None or st is None)", "f'{qty}{st}'")),
    ],
)
def test_what_the_filter_of_the_map_keeps_away_is_not_null(condition, expression):
    expressions = {"has_items": "a and a['items']"}
    scope = replace(SCOPE, expressions=expressions)
    assert set(codes(expression, scope)) & {"null_unsafe", "may_be_empty"}
    assert codes(expression, replace(scope, condition=condition)) == []


@pytest.mark.parametrize("condition", ["qty or st", "st", "qty is None", "not qty", "qty(", "self", "None"])
def test_what_the_filter_lets_through_may_be_null(condition):
    assert codes("qty + 1", replace(SCOPE, condition=condition)) in (["null_unsafe"], ["wrong_type"])


def test_a_condition_by_name_tells_what_it_stands_for():
    scope = replace(SCOPE, expressions={"has_qty": "qty is not None", "x": "st.upper()", "a1": "b1", "b1": "a1"})
    assert codes("qty + 1 if has_qty else 0", scope) == []
    assert codes("0 if not has_qty else qty + 1", scope) == []
    assert codes("[str(qty) for qty in [st] if has_qty]", scope) == ["null_unsafe"]
    assert codes("1 if a1 else 0", scope) == []


def test_a_loop_variable_tells_nothing_of_a_field_of_its_name_in_a_named_expression():
    scope = replace(SCOPE, expressions={"x": "st.upper()"})
    assert [it.code for it in analyse("[x for st in ['a'] if st]", scope).inside["x"]] == ["null_unsafe"]


def test_a_loop_variable_has_a_value_of_its_own():
    assert codes("[st.upper() for st in ['a']] if not st else None") == []
    assert "null_unsafe" in codes("[str(qty) for qty in [st]] if qty else []")


@pytest.mark.parametrize(
    ("expression", "nullable"),
    [
        *(("st", True), ("word", False), ("st or 'x'", False), ("st and 'x'", True), ("st or None", True)),
        *(("'x' if st else None", True), ("config['table'].get(st)", True), ("config['table'].get(st, '')", False)),
        *(("record.get('st', '')", True), ("[None, 'x'][1]", False), ("([word] + [None])[0]", True), ("None", True)),
    ],
)
def test_whether_a_value_may_be_null(expression, nullable):
    assert analyse(expression, SCOPE).nullable is nullable


@pytest.mark.parametrize("expression", ["xs[0] if xs is not None else None", "word[0]", "(xs or [])[-1]"])
def test_the_first_item_of_nothing(expression):
    assert codes(expression) == ["may_be_empty"]


# -- what can never work --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "code", "column", "remedy"),
    [
        ("int(id", "not_an_expression", 3, "correct it"),
        ("id; id", "not_an_expression", 0, "correct it"),
        ("1 + wrod", "unknown_name", 4, "did you mean `word`?"),
        ("len(st)", "unknown_function", 0, "there are"),
        ("flaot(id)", "unknown_function", 0, "did you mean `float`"),
        ("id.upper()", "wrong_type", 0, "`str(id).upper(...)`"),
        ("word.uper()", "wrong_type", 0, "`upper`"),
        ("word + id", "wrong_type", 0, "`str(id)`"),
        ("md5(id)", "wrong_type", 4, "`md5(str(id))`"),
        ("config['tabel']", "unknown_config", 0, "`table`"),
        ("config['table']['c']", "unknown_config", 0, "it has a, b"),
        ("lambda: 1", "not_available", 0, ""),
        ("id @ id", "not_available", 0, ""),
        ("word.format(1)", "not_available", 0, "f-string"),
        ("word > 1", "wrong_type", 0, "`float(word)`"),
        ("-a", "wrong_type", 1, "take one of its parts, such as `a['x']`"),
        ("int(a)", "wrong_type", 4, "take one of its parts, such as `a['x']`"),
        ("a + 1", "wrong_type", 0, "take one of its parts, such as `a['x']`"),
        ("a > 1", "wrong_type", 0, "take one of its parts, such as `a['x']`"),
        ("phones - 1", "wrong_type", 0, "take one of its items, such as `first(phones)`"),
        ("word - 1", "wrong_type", 0, "`float(word)`"),
        ("id in word", "wrong_type", 0, "`str(id)`"),
        ("datetime.date.today() - word", "wrong_type", 0, "`datetime.date.fromisoformat(word)`"),
        ("datetime.date.today() - 7", "wrong_type", 0, "`datetime.timedelta(7)`"),
        ("self", "unknown_name", 0, ""),
        ("[i for i in id]", "wrong_type", 12, "list"),
        ("word.upper", "wrong_type", 0, "`word.upper(...)`"),
    ],
)
def test_what_fails_at_every_row(expression, code, column, remedy):
    [problem] = [problem for problem in analyse(expression, SCOPE).problems if problem.is_error]
    assert (problem.code, problem.column) == (code, column)
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("rate * 1.5", "mixed_numbers"),
        ("json.dumps([rate])", "doubtful_type"),
        ("record['zip']", "unknown_field"),
        ("record.get('anythin')", "unknown_field"),
        ("(id or 'x').upper()", "doubtful_type"),
        ("anything", "untyped"),
        ("fake.name()", "untyped"),
    ],
)
def test_what_depends_on_the_row_is_a_warning(expression, code):
    problems = analyse(expression, SCOPE).problems
    assert [problem.code for problem in problems] == [code]
    assert not problems[0].is_error


def test_a_field_that_need_not_come_is_read_with_get_and_nothing_is_wrong():
    [problem] = analyse("coalesce(record.get('zip_description'), st)", SCOPE).problems
    assert (problem.code, problem.is_note, problem.is_error) == ("absent_field", True, False)
    assert "the tap has the settings of the run" in problem.remedy
    assert codes("record.get('zip')", replace(SCOPE, is_open=True)) == ["untyped"]


@pytest.mark.parametrize(
    ("expression", "remedy"),
    [
        *(("if st then 1", "this if condition else that"), ("st ? 1 : 2", "this if condition else that")),
        *(("st && word", "in words"), ("st || word", "in words"), ("st <> word", "`!=`"), ("!st", "`not`")),
        *(
            ("st = 'x'", "`==`"),
            ("text(st", "correct it"),
            ("text(x=st", "correct it"),
            ("'a ? b : c && d' 5", "correct it"),
        ),
        *(("st == null", "write `None`"), ("st == TRUE", "write `True`"), ("Gold", "text goes in quotes: `'Gold'`")),
    ],
)
def test_what_other_languages_write_otherwise_is_told_so(expression, remedy):
    [problem] = analyse(expression, SCOPE).problems
    assert remedy in problem.remedy


def test_lists_are_not_taken_for_objects():
    [problem] = [problem for problem in analyse("phones['number']", SCOPE).problems if problem.is_error]
    assert problem.code == "wrong_type"
    assert "`phones[0][...]`" in problem.remedy


def test_columns_count_characters_over_all_lines():
    [problem] = analyse("('ÄÖÜ' +\n  f'{id}{st}')", SCOPE).problems
    assert "('ÄÖÜ' +\n  f'{id}{st}')"[problem.column :].startswith("st")


def test_without_a_catalog_any_name_may_be_a_field():
    assert codes("nmae", Scope(None)) == []
    assert codes("nmae.upper(", Scope(None)) == ["not_an_expression"]


# -- expressions by name, code tables, helpers ----------------------------------------------------------------------


def test_problems_of_a_named_expression_are_told_of_it_and_only_where_they_are():
    analysis = analyse("city", SCOPE)
    assert analysis.problems == ()
    assert {problem.code for problem in analysis.inside["city"]} == {"null_unsafe"}
    assert analyse("city if a and a['x'] else None", SCOPE).inside["city"] == ()
    assert analysis.names == {("expression", "city")}
    assert analysis.uses == {"a"}


def test_named_expressions_that_need_each_other_do_not_hang():
    assert analyse("one", Scope({}, expressions={"one": "two", "two": "one"})).names == {
        ("expression", "one"),
        ("expression", "two"),
    }


@pytest.mark.parametrize(
    ("expression", "found", "nullable"),
    [
        ("text(st)", ["string"], True),
        ("text(id)", ["string"], False),
        ("number(st)", ["number"], True),
        ("number(id)", ["number"], False),
        ("join(', ', st, word)", ["string"], True),
        ("join(', ', st, id)", ["string"], False),
        ("coalesce(st, 'x')", ["string"], False),
        ("coalesce(st, qty)", ["integer", "string"], True),
        ("first(phones)", ["object"], True),
        ("first(xs)", ["string"], True),
        ("lookup('groups', st)", ["string"], True),
        ("lookup('groups', st, 'other')", ["string"], True),
        ("lookup('groups', id, 'other')", ["string"], False),
        ("lookup('from_stream', st)", ["string"], True),
        ("on_hold(st)", ["boolean"], False),
        ("country_code(word)", ["string"], True),
        ("integer(st)", ["integer"], True),
        ("money(id, st)", ["number"], False),
    ],
)
def test_helpers_by_their_metadata(expression, found, nullable):
    analysis = analyse(expression, SCOPE)
    assert analysis.problems == ()
    assert types(expression) == found
    assert analysis.nullable is nullable


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("number(st) * rate", "null_unsafe"),
        ("(number(st) or 0.5) * rate", "mixed_numbers"),
        ("lookup('groups')", "wrong_call"),
        ("text()", "wrong_call"),
        ("text(st, st)", "wrong_call"),
        ("lookup('grups', st)", "unknown_table"),
    ],
)
def test_helpers_that_are_called_wrongly(expression, code):
    assert code in codes(expression)


def test_what_a_helper_of_ours_finds_true_is_not_null():
    assert codes("st.upper() if text(st) else None") == []
    assert codes("st.upper() if str(st) else None") == ["null_unsafe"]
    assert analyse("lookup('groups', st)", SCOPE).shape.constants == ("Gold",)
