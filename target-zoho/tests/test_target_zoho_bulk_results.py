"""Result files of bulk writes that are damaged, contradict themselves or tell of what passes; silence about a job."""

from __future__ import annotations

import csv
import io
import typing as t
import zipfile

import pytest
from sync_ledger.adapter import Action, Operation, Result
from target_zoho import bulk
from target_zoho.bulk_files import UnreadableError, rows_of

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from target_zoho.adapter import ZohoModule

    from conftest import Org

    Lines = list[list[str]]

JOBS = "/crm/bulk/v8/write"


def creates(*numbers: int) -> list[Operation]:
    return [Operation(Action.CREATE, str(one), {"Account_Name": f"Company {one}"}) for one in numbers]


@pytest.fixture
def accounts(org: Org) -> ZohoModule:
    org.control.switch(bulk_start_ms=0)
    return org.connect(bulk_threshold=1).entity("Accounts")


def packed(*lines: list[str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a result file of those lines, the header among them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("result.csv", text.getvalue())
    return out.getvalue()


def changing(org: Org, change: Callable[[Lines], Lines]) -> None:
    """Change each result file on its way: its lines without the header, cells key, name, status, id, errors."""
    download = org.client.download

    def changed(url: str) -> bytes:
        with zipfile.ZipFile(io.BytesIO(download(url))) as archive:
            (name,) = archive.namelist()
            head, *lines = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
        return packed(head, *change(lines))

    org.client.download = changed  # type: ignore[method-assign]


def damaged() -> bytes:
    """Return a file with a byte of its content changed."""
    content = bytearray(packed(*([str(number), "x" * 50] for number in range(500))))
    content[60] ^= 0xFF
    return bytes(content)


def locked() -> bytes:
    """Return a file that says it wants a password."""
    content = bytearray(packed(["JDE_Number"], ["1"]))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def strange() -> bytes:
    """Return a file packed in a way nobody knows."""
    content = bytearray(packed(["JDE_Number"], ["1"]))
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 77
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(damaged(), id="damaged"),
        pytest.param(locked(), id="locked"),
        pytest.param(strange(), id="strange"),
        pytest.param(packed(["a"], ["b"])[:-30], id="cut off"),
        pytest.param(b"PK", id="no more than a start"),
    ],
)
def test_a_damaged_result_file_leaves_every_row_open(org: Org, accounts: ZohoModule, content: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(rows_of(content))
    org.client.download = lambda url: content  # type: ignore[method-assign]
    assert [one.result for one in accounts.write_bulk(creates(1, 2))] == [Result.UNKNOWN] * 2


def test_a_row_the_result_tells_two_things_of_is_looked_up(org: Org, accounts: ZohoModule) -> None:
    def twice(lines: Lines) -> Lines:
        first, second, third = lines
        other = [*first[:3], "5725768000000999999", ""]  # a second record of the same external ID
        refused = [*second[:2], "SKIPPED", "", "INVALID_DATA-Account_Name"]
        return [first, other, second, refused, third, third]

    changing(org, twice)
    results = accounts.write_bulk(creates(1, 2, 3))
    assert [one.result for one in results] == [Result.UNKNOWN, Result.UNKNOWN, Result.WRITTEN]


def test_rows_missing_or_of_nobody_in_the_result_change_nothing_for_the_others(org: Org, accounts: ZohoModule) -> None:
    changing(org, lambda lines: [["77", "Nobody", "ADDED", "1", ""], ["", "", "ADDED", "2", ""], lines[1]])
    results = accounts.write_bulk(creates(1, 2))
    assert [one.result for one in results] == [Result.UNKNOWN, Result.WRITTEN]


@pytest.mark.parametrize("code", ["DEPENDENT_SERVICE_ERROR", "INTERNAL_ERROR", "RECORD_LOCKED", "TOO_MANY_REQUESTS"])
def test_a_row_skipped_for_what_passes_is_looked_up_and_not_refused(org: Org, accounts: ZohoModule, code: str) -> None:
    changing(org, lambda lines: [[*lines[0][:2], "SKIPPED", "", f"{code}-Account_Name"], lines[1]])
    results = accounts.write_bulk(creates(1, 2))
    assert [one.result for one in results] == [Result.UNKNOWN, Result.WRITTEN]


def test_a_job_goes_on_while_zoho_does_not_say_how_it_stands(org: Org, accounts: ZohoModule) -> None:
    org.control.switch(bulk_polls=0)
    org.control.fault(kind="status", status=503, method="GET", path=JOBS, times=12)  # two looks of five tries, and more
    results = accounts.write_bulk(creates(1, 2))
    assert [one.result for one in results] == [Result.WRITTEN] * 2


def test_a_long_silence_about_a_job_leaves_every_row_open(org: Org, accounts: ZohoModule) -> None:
    org.control.fault(kind="status", status=503, method="GET", path=JOBS, times=None)
    assert [one.result for one in accounts.write_bulk(creates(1, 2))] == [Result.UNKNOWN] * 2
    looks = sum(one["path"].startswith(JOBS) and one["method"] == "GET" for one in org.control.requests(2000))
    assert looks == bulk.MOST_SILENCES * 5


def test_the_token_is_not_sent_in_the_clear_to_a_host_of_ours(org: Org) -> None:
    client = org.client
    client.__dict__["address"] = "https://www.zohoapis.example"
    client.__dict__["upload_address"] = "https://content.zohoapis.example"
    assert client._ours("https://www.zohoapis.example/crm/bulk/result.zip")
    assert not client._ours("http://www.zohoapis.example/crm/bulk/result.zip")
    assert not client._ours("http://www.zohoapis.com/crm/bulk/result.zip")
