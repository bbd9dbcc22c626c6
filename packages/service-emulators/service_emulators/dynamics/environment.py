"""The environment: its ids, its currency, and what it begins with."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from service_emulators.dynamics.tables import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Collection

    from service_emulators.dynamics.schema.catalog import Catalog
    from service_emulators.dynamics.schema.model import Table
    from service_emulators.dynamics.store import Store

_IDS = uuid.UUID("a3f4a6be-10b4-4c58-8b2f-6f0f2f0e7a55")
_START = "2024-01-01T00:00:00Z"
MULTIPLE = ("CreateMultiple", "UpdateMultiple")
MESSAGES = ("Create", "Update", "Delete", *MULTIPLE)
"""Messages that `sdkmessagefilters` lists for the tables; UpsertMultiple is never listed (fact sheet section 10)."""

CURRENCIES = (
    ("Euro", "EUR", "€", 1.0),
    ("US Dollar", "USD", "$", 1.1),
    ("Pound Sterling", "GBP", "£", 0.85),
    ("Polish Zloty", "PLN", "zł", 4.3),
)
PUBLISHERS = (("DefaultPublisher", "Default Publisher", "new", 10_000), ("jde", "JDE", "jde", 72_700))
SOLUTIONS = (("Default", "Default Solution", 0), ("JdeIntegration", "JDE Integration", 1))


class Environment:
    """Facts of one environment.

    Args:
        store: the data.
        catalog: the tables.
        seed: decides all ids of a new environment.

    Attributes:
        seed: as stored.
        organization_id: id of the organization.
        business_unit_id: id of the root business unit.
        application_user_id: systemuserid of the application user.
        user_id: systemuserid of the person whose changes the control interface makes.
        currency_id: base currency.
        new: it was empty before.
    """

    def __init__(self, store: Store, catalog: Catalog, seed: int) -> None:
        self._store = store
        self._catalog = catalog
        stored = store.connection.execute(select(ENVIRONMENT.c.value).where(ENVIRONMENT.c.name == "seed")).scalar()
        self.new = stored is None
        self.seed = seed if stored is None else int(stored)
        if stored is None:
            store.connection.execute(insert(ENVIRONMENT).values(name="seed", value=str(seed)))
        self.organization_id = self.id_of("organization")
        self.business_unit_id = self.id_of("business unit")
        self.application_user_id = self.id_of("application user")
        self.user_id = self.id_of("user")
        self.currency_id = self.id_of("currency EUR")
        self._rates: dict[str, float] = {}

    def id_of(self, *purpose: str) -> str:
        """Returns a GUID that the seed and the purpose decide."""
        return str(uuid.uuid5(_IDS, "/".join((str(self.seed), *purpose))))

    def rate(self, currency_id: str) -> float:
        """Returns the exchange rate of a currency: its amounts are that many times those of the base currency."""
        if currency_id not in self._rates:
            self._rates[currency_id] = self._read_rate(currency_id)
        return self._rates[currency_id]

    def forget_rates(self) -> None:
        """Reads exchange rates anew, after currencies were written."""
        self._rates.clear()

    def _read_rate(self, currency_id: str) -> float:
        found = self._store.connection.exec_driver_sql(
            "SELECT exchangerate FROM transactioncurrency WHERE transactioncurrencyid = ?", (currency_id,)
        ).scalar()
        return float(found or 1.0)

    def populate(self, application_id: str) -> None:
        """Fills a new environment with what every one has, and one application user.

        Args:
            application_id: client id of the app registration.
        """
        rows: list[tuple[str, dict[str, Any]]] = [
            (
                "organization",
                {
                    "organizationid": self.organization_id,
                    "name": "emulator",
                    "basecurrencyid": self.currency_id,
                    "languagecode": 1033,
                    "expirechangetrackingindays": 7,
                    "isduplicatedetectionenabled": True,
                    "isduplicatedetectionenabledforonlinecreateupdate": True,
                },
            ),
            ("businessunit", {"businessunitid": self.business_unit_id, "name": "emulator"}),
            (
                "role",
                {
                    "roleid": self.id_of("role", "System Administrator"),
                    "name": "System Administrator",
                    "businessunitid": self.business_unit_id,
                },
            ),
            ("systemuser", self._user(self.application_user_id, "# JDE", "Integration", application_id)),
            ("systemuser", self._user(self.user_id, "Sam", "Sales", None)),
        ]
        for name, code, symbol, rate in CURRENCIES:
            currency = {
                "transactioncurrencyid": self.id_of(f"currency {code}"),
                "currencyname": name,
                "isocurrencycode": code,
                "currencysymbol": symbol,
                "currencyprecision": 2,
                "exchangerate": rate,
                "statecode": 0,
                "statuscode": 1,
            }
            rows.append(("transactioncurrency", currency))
        for unique, name, prefix, options in PUBLISHERS:
            publisher = {
                "publisherid": self.id_of("publisher", unique),
                "uniquename": unique,
                "friendlyname": name,
                "customizationprefix": prefix,
                "customizationoptionvalueprefix": options,
            }
            rows.append(("publisher", publisher))
        for unique, name, publisher_number in SOLUTIONS:
            solution = {
                "solutionid": self.id_of("solution", unique),
                "uniquename": unique,
                "friendlyname": name,
                "version": "1.0.0.0",
                "ismanaged": False,
                "publisherid": self.id_of("publisher", PUBLISHERS[publisher_number][0]),
            }
            rows.append(("solution", solution))
        rows += self._messages()
        for table_name, row in rows:
            table = self._catalog.tables()[table_name]
            stamps = {"createdon": _START, "modifiedon": _START, "versionnumber": self._store.next_version()}
            row.update({name: value for name, value in stamps.items() if name in table.sql.c})
            self._store.insert(table, row)

    def has_message(self, table: Table, message: str) -> bool:
        """Returns whether a table takes a message, for example `CreateMultiple`, by `sdkmessagefilters`.

        UpsertMultiple is there for tables that have both CreateMultiple and UpdateMultiple.
        """
        if message == "UpsertMultiple":
            return self.has_message(table, MULTIPLE[0]) and self.has_message(table, MULTIPLE[1])
        filters = self._catalog.tables()["sdkmessagefilter"]
        return self._store.exists(filters, self.id_of("message", message, table.name))

    def set_multiple(self, names: Collection[str] | None) -> None:
        """Gives CreateMultiple and UpdateMultiple to the named tables alone; None gives them to all."""
        filters = self._catalog.tables()["sdkmessagefilter"]
        for message in MULTIPLE:
            for table in self._catalog.tables().values():
                wanted = names is None or table.name in names
                if wanted == self.has_message(table, message):
                    continue
                if wanted:
                    self._store.insert(filters, self._filter(table.name, message))
                else:
                    self._store.remove(filters, self.id_of("message", message, table.name))

    def _filter(self, table: str, message: str) -> dict[str, Any]:
        return {
            "sdkmessagefilterid": self.id_of("message", message, table),
            "sdkmessageid": self.id_of("message", message),
            "primaryobjecttypecode": table,
            "versionnumber": self._store.next_version(),
        }

    def _messages(self) -> list[tuple[str, dict[str, Any]]]:
        rows: list[tuple[str, dict[str, Any]]] = []
        for message in MESSAGES:
            message_id = self.id_of("message", message)
            rows.append(("sdkmessage", {"sdkmessageid": message_id, "name": message}))
            rows += [("sdkmessagefilter", self._filter(table, message)) for table in self._catalog.tables()]
        return rows

    def _user(self, user_id: str, first: str, last: str, application_id: str | None) -> dict[str, Any]:
        return {
            "systemuserid": user_id,
            "firstname": first,
            "lastname": last,
            "fullname": f"{first} {last}",
            "domainname": f"{last.lower()}@emulator.example",
            "internalemailaddress": f"{last.lower()}@emulator.example",
            "applicationid": application_id,
            "azureactivedirectoryobjectid": self.id_of("object", user_id),
            "businessunitid": self.business_unit_id,
            "organizationid": self.organization_id,
            "accessmode": 4 if application_id else 0,
            "isdisabled": False,
        }
