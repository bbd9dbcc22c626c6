"""`$filter` of the emulated Dataverse finds what the same question, put to the rows in Python, finds."""

from __future__ import annotations

import operator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_emulators.dynamics.queries.filters import condition
from sqlalchemy import select

SIGNS = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
FUNCTIONS = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}
TEXTS = ["a", "b", "ab", "a_b", "a%b", "o'b", "("]
CRM = "Microsoft.Dynamics.CRM."

# A question is its text and a function of a row; it is true, false, or None where a value that is compared is null,
# but `ne` is true there.


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def compared(column, sign, value):
    def answer(row):
        if value is None or row[column] is None:
            same = row[column] is None and value is None
            if value is None:
                return same if sign == "eq" else not same
            return True if sign == "ne" else None
        return SIGNS[sign](row[column], value)

    literal = "null" if value is None else quoted(value) if isinstance(value, str) else str(value)
    return f"{column} {sign} {literal}", answer


def looked_in(name, part):
    def answer(row):
        return None if row["accountnumber"] is None else FUNCTIONS[name](row["accountnumber"], part)

    return f"{name}(accountnumber,{quoted(part)})", answer


def within(values):
    def answer(row):
        return None if row["accountnumber"] is None else row["accountnumber"] in values

    listed = ",".join(quoted(value) for value in values)
    return f"{CRM}In(PropertyName='accountnumber',PropertyValues=[{listed}])", answer


def denied(question):
    text, answer = question

    def opposite(row):
        found = answer(row)
        return None if found is None else not found

    return f"not ({text})", opposite


def both(one, other):
    def answer(row):
        found = {one[1](row), other[1](row)}
        return False if False in found else None if None in found else True

    return f"({one[0]}) and ({other[0]})", answer


def either(one, other):
    def answer(row):
        found = {one[1](row), other[1](row)}
        return True if True in found else None if None in found else False

    return f"({one[0]} or {other[0]})", answer


LEAVES = st.one_of(
    st.builds(compared, st.just("numberofemployees"), st.sampled_from(sorted(SIGNS)), st.integers(0, 3)),
    st.builds(compared, st.just("accountnumber"), st.sampled_from(["eq", "ne"]), st.sampled_from(TEXTS)),
    st.builds(
        compared, st.sampled_from(["numberofemployees", "accountnumber"]), st.sampled_from(["eq", "ne"]), st.none()
    ),
    st.builds(looked_in, st.sampled_from(sorted(FUNCTIONS)), st.sampled_from([*TEXTS, "_", "%"])),
    st.builds(within, st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)),
)
QUESTIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.builds(denied, inner), st.builds(both, inner, inner), st.builds(either, inner, inner)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def rows(shared_environment):
    """Accounts of all kinds of values, by name."""
    found = {}
    for place, text in enumerate([None, *TEXTS]):
        for number in (None, 0, place % 3):
            values = {"name": f"Filtered {len(found)}", "accountnumber": text, "numberofemployees": number}
            shared_environment.add("accounts", **values)
            found[values["name"]] = values
    return found


@settings(max_examples=100, deadline=None)
@given(QUESTIONS)
def test_a_filter_finds_what_python_finds(shared_environment, rows, question):
    text, answer = question
    asked = quote(f"startswith(name,'Filtered ') and ({text})")
    found = shared_environment.ok("GET", f"accounts?$select=name&$filter={asked}")["value"]
    assert {row["name"] for row in found} == {name for name, row in rows.items() if answer(row) is True}


def test_and_binds_closer_than_or(shared_environment, rows):
    asked = quote("name eq 'Filtered 0' or name eq 'Filtered 1' and numberofemployees eq 99")
    found = shared_environment.ok("GET", f"accounts?$select=name&$filter={asked}")["value"]
    assert [row["name"] for row in found] == ["Filtered 0"]


@pytest.mark.parametrize(("word", "wanted"), [("or", 1), ("and", 0)])
def test_as_many_conditions_as_an_address_holds(shared_environment, rows, word, wanted):
    asked = f"+{word}+".join(f"name+eq+'Filtered+{number}'" for number in range(1000, 2000))
    url = f"accounts?$select=name&$filter=name+eq+'Filtered+0'+{word}+{asked}"
    assert len(shared_environment.ok("GET", url)["value"]) == wanted


def test_many_keys_are_looked_up_in_the_index_of_the_key(shared_environment):
    """A thousand keys must not cost a walk through all rows, however many there are."""
    parts = shared_environment.emulator.parts
    tables = parts.catalog.tables()
    account = tables["account"]
    listed = ",".join(f"'{number}'" for number in range(1000))
    where = condition(f"{CRM}In(PropertyName='jde_number',PropertyValues=[{listed}])", account, tables)
    statement = select(account.sql.c.accountid).where(where).compile(compile_kwargs={"literal_binds": True})
    with parts.store.lock:
        plan = parts.store.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    (key,) = account.keys.values()
    assert f"key_{key.id}" in plan[0][-1]
    assert plan[0][-1].startswith("SEARCH")
