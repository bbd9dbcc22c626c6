from __future__ import annotations

from datetime import datetime

import pytest
import requests
from service_emulators.jde.testing import start_jde

NOW = datetime(2026, 11, 20, 9, 30, 5)


class Caller:
    """A bare AIS caller: one HTTP session, one token."""

    def __init__(self, jde):
        self.jde = jde
        self.base = f"{jde.url}/jderest/v2"
        self.http = requests.Session()
        self.device = "test"
        self.token = ""

    def post(self, path, body, **options):
        return self.http.post(self.base + path, json=body, **options)

    def log_in(self):
        credentials = {"username": self.jde.username, "password": self.jde.password, "deviceName": self.device}
        answer = self.post("/tokenrequest", credentials)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["userInfo"]["token"]
        return answer.json()

    def body(self, table, columns=(), query=None, order=(), size="1000", **more):
        body = {
            "token": self.token,
            "deviceName": self.device,
            "targetName": table,
            "targetType": "table",
            "dataServiceType": "BROWSE",
            "findOnEntry": "TRUE",
            "maxPageSize": size,
            "outputType": "GRID_DATA",
            **more,
        }
        if columns:
            body["returnControlIDs"] = "|".join(f"{table}.{one}" for one in columns)
        if query:
            body["query"] = {"autoFind": True, **query}
        if order:
            body.setdefault("aggregation", {})["orderBy"] = [
                {"column": f"{table}.{one.lstrip('-')}", "direction": "DESC" if one.startswith("-") else "ASC"}
                for one in order
            ]
        return body

    def browse(self, table, columns=(), query=None, order=(), size="1000", **more):
        answer = self.post("/dataservice", self.body(table, columns, query, order, size, **more))
        assert answer.status_code == 200, answer.text
        return Page(table, answer.json())

    def refused(self, table, columns=(), query=None, order=(), size="1000", **more):
        answer = self.post("/dataservice", self.body(table, columns, query, order, size, **more))
        assert answer.status_code != 200
        return answer.status_code, answer.json()["message"]

    def follow(self, href):
        return self.http.post(href, headers={"jde-AIS-Auth-Device": self.device})


class Page:
    def __init__(self, table, answer):
        self.answer = answer
        self.form = answer[f"fs_DATABROWSE_{table}"]
        self.grid = self.form["data"]["gridData"]
        prefix = f"{table}_"
        self.rows = [{key.removeprefix(prefix): one for key, one in row.items()} for row in self.grid["rowset"]]
        self.more = self.grid["summary"]["moreRecords"]
        self.href = answer["links"][0]["href"] if answer["links"] else None


def condition(column, operator, *values):
    return {
        "controlId": column,
        "operator": operator,
        "value": [
            {"content": one[0], "specialValueId": one[1]}
            if isinstance(one, tuple)
            else {"content": one, "specialValueId": "LITERAL"}
            for one in values
        ],
    }


@pytest.fixture(scope="session")
def seeded():
    with start_jde(customers=300, contacts=450, now=NOW) as jde:
        yield jde


@pytest.fixture
def empty():
    with start_jde(now=NOW) as jde:
        yield jde


@pytest.fixture
def caller(seeded):
    one = Caller(seeded)
    one.log_in()
    return one


@pytest.fixture
def switches(seeded):
    """Change switches of the shared emulator for one test."""
    before = seeded.control.switches()
    yield seeded.control.switch
    seeded.control.switch(**before)


@pytest.fixture
def fresh(empty):
    """A caller of an emulator of its own, without rows."""
    one = Caller(empty)
    one.log_in()
    return one


@pytest.fixture(name="condition")
def condition_builder():
    return condition
