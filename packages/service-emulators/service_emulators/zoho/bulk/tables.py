"""Where bulk jobs and their files lie."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from service_emulators.zoho.tables import METADATA

UPLOADS = Table(
    "_uploads",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

JOBS = Table(
    "_bulk_jobs",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("kind", String, nullable=False),  # write or read
    Column("state", String, nullable=False),  # ADDED, INPROGRESS, COMPLETED, FAILED
    Column("request", Text, nullable=False),  # JSON of `write_request.WriteRequest` or `read_request.ReadRequest`
    Column("created_by", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),  # emulator clock, seconds since 1970
    Column("polls", Integer, nullable=False),  # how often its details were asked for
    Column("counted", Boolean, nullable=False),  # whether a call has counted its writes
    Column("done_rows", Integer, nullable=False),
    Column("end", String, nullable=False),  # how it ends: the switch `bulk_end` at its creation
    Column("end_after", Integer, nullable=False),  # rows written before it fails or stalls
    Column("every", Integer, nullable=False),  # fault `partial`: each so many-th row is not processed; 0 none
    Column("outcome", Text),  # JSON: counts of what was done, once it is
    Column("result", LargeBinary),
)

ROWS = Table(
    "_bulk_rows",
    METADATA,
    Column("job_id", BigInteger, nullable=False),
    Column("task", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    Column("status", String, nullable=False),  # ADDED, UPDATED, SKIPPED, UNPROCESSED
    Column("record_id", BigInteger),
    Column("errors", String, nullable=False),
    Index("_bulk_rows_by_job", "job_id", "task", "row"),
)
