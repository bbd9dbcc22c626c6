"""Starts AIS emulators for tests and scripts."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING, Any

from service_emulators.client import JdeControl
from service_emulators.clock import EmulatorClock
from service_emulators.jde.app import create_app
from service_emulators.jde.csv_folder import load_folder
from service_emulators.jde.emulator import Emulator
from service_emulators.jde.seed import seed_documents, seed_ledger, seed_odd, seed_store
from service_emulators.jde.seed.company import FIRST_CUSTOMER
from service_emulators.jde.store import Store
from service_emulators.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from service_emulators.jde.hooks import RequestInfo
    from service_emulators.jde.sessions import Account

_FEW = 20
"""Customers made up for documents when none were asked for."""


@dataclass(frozen=True)
class JdeEmulator:
    """A running AIS emulator.

    Attributes:
        url: Base URL of the AIS Server, without ``/jderest``.
        account: Its one user.
        control: Client of the control interface.
        store: The database, for the truth.
        emulator: The server's state, for what the control interface does not offer.
    """

    url: str
    account: Account
    control: JdeControl
    store: Store
    emulator: Emulator

    @property
    def username(self) -> str:
        """User name."""
        return self.account.username

    @property
    def password(self) -> str:
        """Password."""
        return self.account.password

    @property
    def environment(self) -> str:
        """Environment the user may sign on to."""
        return self.account.environments[0]

    @property
    def role(self) -> str:
        """Role the user may sign on with."""
        return self.account.roles[0]

    def after_requests(self, count: int, action: Callable[[], object], *, target: str | None = None) -> None:
        """Call something once, after so many further data requests (see `hooks.Hooks.after_requests`)."""
        self.emulator.hooks.after_requests(count, action, target=target)


def create_jde(
    *,
    customers: int = 0,
    contacts: int = 0,
    documents: int = 0,
    gl_rows: int = 0,
    odd: bool = False,
    seed: int = 1,
    data: Path | None = None,
    database: Path | None = None,
    now: datetime | None = None,
    on_request: Callable[[RequestInfo], object] | None = None,
    **switches: Any,
) -> Emulator:
    """Build an emulator with data; close its store when done.

    Args:
        customers: Number of customers to make up (see `seed.seed_store`); 0 leaves the tables to ``data``.
        contacts: Number of people of those customers.
        documents: Number of purchase orders, sales orders, vouchers and invoices each, with items, accounts and about
            ten times as many ledger lines (see `seed.seed_documents`); without customers, there come twenty.
        gl_rows: Number of lines of a large general ledger (see `seed.seed_ledger`), for measuring.
        odd: Add rows with odd values to every table (see `seed.seed_odd`).
        seed: Decides the data and the order of rows nobody asked an order for.
        data: Folder of CSV files to load (see `csv_folder.load_folder`).
        database: SQLite file to keep the data in; it is deleted with the emulator when absent. A file that holds
            an address book already is used as it is.
        now: The server's local time at which its clock stands still; the machine's UTC clock runs when absent.
        on_request: Called with each data request before its rows are read, in the thread that reads them.
        **switches: See `switches.Switches`.

    Raises:
        ValueError: A switch, the numbers or the CSV files make no sense.
    """
    clock = EmulatorClock()
    if now:
        clock.set(now.replace(tzinfo=timezone.utc))
    store = Store(database)
    try:
        emulator = Emulator(store, clock, seed=seed, on_request=on_request)
        emulator.switches.change(switches)
        fresh = not store.count("F0101")
        today = emulator.local_now().date()
        if documents and not customers and not data:
            customers, contacts = _FEW, contacts or _FEW
        if customers and fresh:
            seed_store(store, customers=customers, contacts=contacts, seed=seed, today=today)
        if data and fresh:
            load_folder(store, data)
        if documents and not store.count("F4301"):
            seed_documents(store, count=documents, seed=seed, today=today)
        if gl_rows and not store.count("F0911"):
            addresses = range(FIRST_CUSTOMER, FIRST_CUSTOMER + (customers or 1000))
            seed_ledger(store, rows=gl_rows, seed=seed, today=today, addresses=addresses)
        if odd and fresh:
            seed_odd(store, today=today)
    except BaseException:
        store.close()
        raise
    return emulator


@contextmanager
def start_jde(*, port: int = 0, tls: tuple[Path, Path] | None = None, **options: Any) -> Iterator[JdeEmulator]:
    """Run an emulator on loopback.

    Args:
        port: Port; 0 lets the system choose.
        tls: Files of a certificate chain and its key (PEM) to answer HTTPS with.
        **options: See `create_jde`.
    """
    with ExitStack() as stack:
        emulator = create_jde(**options)
        stack.callback(emulator.store.close)
        served = stack.enter_context(serve(create_app(emulator), port=port, tls=tls))
        yield JdeEmulator(served.url, emulator.account, JdeControl(served.url), emulator.store, emulator)
