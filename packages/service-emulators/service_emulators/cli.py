"""Command line: `service-emulators serve jde pipedrive` runs emulators in the foreground."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from service_emulators.control import ControlError
from service_emulators.dynamics.emulator import DynamicsEmulator
from service_emulators.jde.dictionary import tables
from service_emulators.jde.testing import start_jde
from service_emulators.pipedrive.emulator import PipedriveEmulator
from service_emulators.sendgrid.emulator import SendGridEmulator
from service_emulators.twilio.emulator import TwilioEmulator
from service_emulators.zoho.emulator import ZohoEmulator

if TYPE_CHECKING:
    from service_emulators.jde.testing import JdeEmulator

SERVICES = ("jde", "pipedrive", "zoho", "dynamics", "twilio", "sendgrid")
_ALWAYS_COUNTED = ("F0101", "F0111", "F0115", "F01151", "F0116", "F03012", "F0401")
app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def main() -> None:
    """Emulators of the services this suite talks to."""


@app.command()
def serve(
    services: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(SERVICES)}; default all.")] = None,
    *,
    customers: Annotated[int, typer.Option(help="Customers made up in JD Edwards.", min=0)] = 2000,
    contacts: Annotated[int, typer.Option(help="Contacts of customers made up in JD Edwards.", min=0)] = 3000,
    documents: Annotated[
        int, typer.Option(help="Purchase orders, sales orders, vouchers and invoices made up, each.", min=0)
    ] = 0,
    odd: Annotated[bool, typer.Option("--odd", help="Add rows with odd values to every table of JD Edwards.")] = False,
    gl_rows: Annotated[int, typer.Option(help="Lines of a large general ledger (F0911), for measuring.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Decides all made-up data and credentials.")] = 1,
    port: Annotated[int, typer.Option(help="Port of the first service, the next one has the next; 0: free ones.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File that gets addresses, credentials and counts as JSON.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder to keep the data in (SQLite files); default in memory.")
    ] = None,
    jde_csv: Annotated[
        Path | None, typer.Option(help="Folder of CSV files to load into JD Edwards in place of made-up data.")
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            help="Certificate chain (PEM) for JD Edwards, Dataverse, Twilio and SendGrid to answer HTTPS with."
        ),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key of that certificate (PEM).")] = None,
    zoho_fields: Annotated[
        bool, typer.Option("--zoho-fields", help="Zoho CRM has the custom fields of the demonstration already.")
    ] = False,
    zoho_records: Annotated[
        int, typer.Option(help="Accounts, contacts and vendors, each, that users of Zoho CRM made themselves.", min=0)
    ] = 0,
    dynamics_columns: Annotated[
        bool,
        typer.Option("--dynamics-columns", help="Dataverse has the custom columns of the demonstration already."),
    ] = False,
    dynamics_records: Annotated[
        int, typer.Option(help="Accounts and contacts, each, that users of Dataverse made themselves.", min=0)
    ] = 0,
    switch: Annotated[
        list[str] | None,
        typer.Option(help="Behaviour: SERVICE.NAME=VALUE, for example pipedrive.burst=0."),
    ] = None,
) -> None:
    """Start emulators, show where they are, and run until SIGINT or SIGTERM."""
    chosen = services or list(SERVICES)
    for name in chosen:
        if name not in SERVICES:
            raise typer.BadParameter(f"no such service: {name}; there are {', '.join(SERVICES)}")
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("a certificate and its key belong together", param_hint="--tls-cert, --tls-key")
    switches = _switches(switch or [])
    own: dict[str, dict[str, Any]] = {
        "jde": {"data": jde_csv, "documents": documents, "gl_rows": gl_rows, "odd": odd},
        "pipedrive": {},
        "zoho": {"demo_fields": zoho_fields, "own_records": zoho_records},
        "dynamics": {"demo_columns": dynamics_columns, "own_records": dynamics_records},
        "twilio": {},
        "sendgrid": {},
    }
    if tls_cert is not None:
        for name in ("jde", "dynamics", "twilio", "sendgrid"):
            own[name].update(tls=(tls_cert, tls_key))
    if jde_csv is None:
        own["jde"].update(customers=customers, contacts=contacts)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found: dict[str, dict[str, Any]] = {}
        for position, name in enumerate(dict.fromkeys(chosen)):
            options: dict[str, Any] = {
                "seed": seed,
                "port": port + position if port else 0,
                **own[name],
                **switches[name],
            }
            database = None if data is None else data / f"{name}.sqlite3"
            try:
                found[name] = _start(stack, name, database, options)
            except (OSError, ValueError, ControlError) as error:
                typer.echo(f"Error: {name} can not start: {error}", err=True)
                raise typer.Exit(1) from error
        if json_file is not None:
            write_whole(json_file, json.dumps(found, indent=2) + "\n")
        _show(found)
        stopped.wait()


def _start(stack: ExitStack, name: str, database: Path | None, options: dict[str, Any]) -> dict[str, Any]:
    """Starts one service, to be stopped with the stack, and returns what its clients need to know."""
    if name == "jde":
        return _jde(stack.enter_context(start_jde(database=database, **options)), options["seed"])
    if name == "pipedrive":
        return stack.enter_context(PipedriveEmulator(path=database, **options)).describe()
    if name == "zoho":
        return stack.enter_context(ZohoEmulator(path=database, **options)).describe()
    if name == "dynamics":
        return stack.enter_context(DynamicsEmulator(path=database, **options)).describe()
    if name == "twilio":
        return stack.enter_context(TwilioEmulator(path=database, **options)).describe()
    return stack.enter_context(SendGridEmulator(path=database, **options)).describe()


def _jde(emulator: JdeEmulator, seed: int) -> dict[str, Any]:
    """Returns what a client of the AIS emulator needs to know."""
    return {
        "url": emulator.url,
        "username": emulator.username,
        "password": emulator.password,
        "environment": emulator.environment,
        "role": emulator.role,
        "seed": seed,
        "counts": {
            table: count for table in tables() if (count := emulator.store.count(table)) or table in _ALWAYS_COUNTED
        },
    }


def write_whole(path: Path, content: str) -> None:
    """Writes a file that only its owner may read, so that a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
    Path(name).replace(path)


def _switches(given: list[str]) -> dict[str, dict[str, Any]]:
    """Reads SERVICE.NAME=VALUE; a value that is not JSON is text."""
    result: dict[str, dict[str, Any]] = {name: {} for name in SERVICES}
    for item in given:
        name, equals, value = item.partition("=")
        service, _, switch = name.partition(".")
        if not equals or service not in result or not switch:
            raise typer.BadParameter(f"{item!r} is not SERVICE.NAME=VALUE", param_hint="--switch")
        try:
            result[service][switch] = json.loads(value)
        except json.JSONDecodeError:
            result[service][switch] = value
    return result


def _show(found: dict[str, dict[str, Any]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for name, facts in found.items():
        console.print(f"[bold]{name}[/bold]  {facts['url']}  (control: {facts['url']}/_emulator/counters)", markup=True)
        for key, value in facts.items():
            if key != "url":
                console.print(f"  {key}: {value}", markup=False)
    console.print("Running; Ctrl-C stops.", markup=False)
