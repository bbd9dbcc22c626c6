"""Records of a destination against the links of the ledger, in flat memory and by the cheapest reads.

All records are listed once, which finds differing and foreign ones; what no list showed is read by id before it is
called missing. A sample is read by id, so that nothing is said of foreign records then.
"""

from __future__ import annotations

import enum
import itertools
import sqlite3
import typing as t
from contextlib import closing
from dataclasses import dataclass, field

from sync_ledger.adapter import ListsRecords
from sync_ledger.ledger.clock import now
from sync_ledger.verification.comparing import compare, never_emptied, unjudged

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sync_ledger.adapter import Destination, EntityAdapter, RemoteRecord
    from sync_ledger.fields import EntityDescription
    from sync_ledger.ledger.linked import LinkedRecord, LinkedRecords
    from sync_ledger.privacy.masking import Masks
    from sync_ledger.verification.comparing import FieldDifference

_PAGE = 500
_READ = 100


class Kind(str, enum.Enum):
    """What is wrong with a record."""

    MISSING = "missing"
    """Linked, and no longer there."""
    DIFFERING = "differing"
    """Linked, and not as it was last written."""
    FOREIGN = "foreign"
    """Carries an external ID that no link knows."""
    DUPLICATE = "duplicate"
    """Carries the external ID of another record's link."""


@dataclass(frozen=True)
class Finding:
    """One record that is not as the ledger says.

    Attributes:
        entity: Entity.
        kind: What is wrong.
        external_id: External ID of the link, or the one a foreign record carries.
        remote_id: The record.
        fields: What differs.
    """

    entity: str
    kind: Kind
    external_id: str
    remote_id: str
    fields: Sequence[FieldDifference] = ()


@dataclass
class Report:
    """What was found in one entity.

    Attributes:
        entity: Entity.
        links: Links the ledger has.
        compared: Records compared with their link.
        equal: Those that are as last written.
        changing: Records left out because a run wrote them meanwhile.
        foreign_looked_for: Whether foreign records would have been noticed.
        counts: Kind -> records.
        findings: The first of them.
    """

    entity: str
    links: int
    compared: int = 0
    equal: int = 0
    changing: int = 0
    foreign_looked_for: bool = True
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    findings: list[Finding] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """Records that are not as the ledger says."""
        return sum(self.counts.values())


class _Seen:
    """Ids of records met, in a file that goes with its end: a million of them fill no memory."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("")
        self._file.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[str]) -> None:
        self._file.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((one,) for one in ids))

    def __contains__(self, remote_id: str) -> bool:
        return self._file.execute("SELECT 1 FROM seen WHERE id = ?", (remote_id,)).fetchone() is not None

    def close(self) -> None:
        self._file.close()


class Verifier:
    """Compares what is at a destination with the ledger.

    Args:
        destination: Account to read.
        links: Its links.
        masks: Fields whose values are not shown.
        rules: Setting `field_rules`.
        limit: Findings kept per entity; all are counted.
    """

    def __init__(
        self,
        destination: Destination,
        links: LinkedRecords,
        masks: Masks,
        *,
        rules: Mapping[str, t.Any] | None = None,
        limit: int = 1000,
    ) -> None:
        self._destination = destination
        self._links = links
        self._masks = masks
        self._rules = rules or {}
        self._limit = limit

    def whole(self, entity: str) -> Report:
        """Compare every record of an entity.

        Raises:
            ServiceError: If the destination cannot be read.
        """
        work = self._work(entity)
        with closing(_Seen()) as seen:
            for page in _chunks(_records(work.adapter), _PAGE):
                linked = self._links.of_records(entity, [record.remote_id for record in page])
                seen.add(linked)
                for record in page:
                    for link in linked.get(record.remote_id, ()):
                        work.judge(link, record)
                self._strangers(work, [record for record in page if record.remote_id not in linked])
            for links in self._links.walk(entity, chunk=_PAGE):
                self._by_id(work, [link for link in links if link.remote_id not in seen])
        return work.report

    def sample(self, entity: str, size: int) -> Report:
        """Compare so many linked records drawn by chance.

        Raises:
            ServiceError: If the destination cannot be read.
        """
        work = self._work(entity)
        work.report.foreign_looked_for = False
        self._by_id(work, self._links.sample(entity, size))
        return work.report

    def _work(self, entity: str) -> _Work:
        adapter = self._destination.entity(entity)
        description = adapter.describe()
        self._masks.resolve(description)
        rules = self._rules.get(entity) or {}
        return _Work(
            adapter,
            description,
            Report(entity, self._links.counts().get(entity, 0)),
            unjudged(description, rules),
            never_emptied(description, rules),
            self._masks.names(entity),
            self._limit,
        )

    def _by_id(self, work: _Work, links: Sequence[LinkedRecord]) -> None:
        for chunk in _chunks(links, _READ):
            records = work.adapter.read([link.remote_id for link in chunk])
            for link in chunk:
                record = records.get(link.remote_id)
                if record is not None:
                    work.judge(link, record)
                else:
                    work.missing(link)

    def _strangers(self, work: _Work, records: Sequence[RemoteRecord]) -> None:
        """Report records that carry an external ID and are not linked."""
        carrying = [(record.external_id, record.remote_id) for record in records if record.external_id]
        if not carrying:
            return
        keys = [key for key, _ in carrying]
        known = self._links.of_external_ids(work.report.entity, keys)
        moving = self._links.in_flight(work.report.entity, keys)
        for key, remote_id in carrying:
            link = known.get(key)
            if key in moving or (link and link.remote_id == remote_id):  # linked since the page was read
                work.report.changing += 1
            else:
                kind = Kind.DUPLICATE if link else Kind.FOREIGN
                work.note(Finding(work.report.entity, kind, key, remote_id))


@dataclass
class _Work:
    """One entity while it is verified."""

    adapter: EntityAdapter
    description: EntityDescription
    report: Report
    leave: frozenset[str]
    keep: frozenset[str]
    hidden: frozenset[str]
    limit: int
    begun: t.Any = field(default_factory=now)

    def judge(self, link: LinkedRecord, record: RemoteRecord) -> None:
        """Compare a record with its link, unless a run wrote it since the comparison began."""
        if link.written_at >= self.begun:
            self.report.changing += 1
            return
        self.report.compared += 1
        differing = [item.shown(self.hidden) for item in compare(link, record, self.description, self.leave, self.keep)]
        if differing:
            self.note(Finding(self.report.entity, Kind.DIFFERING, link.external_id, link.remote_id, tuple(differing)))
        else:
            self.report.equal += 1

    def missing(self, link: LinkedRecord) -> None:
        """Report a record that is not there."""
        self.note(Finding(self.report.entity, Kind.MISSING, link.external_id, link.remote_id))

    def note(self, finding: Finding) -> None:
        """Count a finding and keep it if there is room."""
        self.report.counts[finding.kind] += 1
        if len(self.report.findings) < self.limit:
            self.report.findings.append(finding)


def _records(adapter: EntityAdapter) -> Iterator[RemoteRecord]:
    """List all records with their values: in one go where the service can, else by id after a sweep."""
    if isinstance(adapter, ListsRecords):
        yield from adapter.records()
        return
    for chunk in _chunks(adapter.sweep(None).entries, _READ):
        yield from adapter.read([entry.remote_id for entry in chunk if not entry.deleted]).values()


_T = t.TypeVar("_T")


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    walk = iter(items)
    while chunk := list(itertools.islice(walk, size)):
        yield chunk
