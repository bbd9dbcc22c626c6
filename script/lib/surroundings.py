"""The variables under which plug-ins and Meltano find emulated services, a ledger and a state of their own."""

from __future__ import annotations

import os
import shlex
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ZOHO_TOKENS = "target-zoho-tokens.json"
DYNAMICS_TOKENS = "target-dynamics-tokens.json"


def keep_compiled_modules() -> None:
    """Let all processes share their compiled modules, also where the environment has Python write none.

    Tests and demo start plug-ins and Meltano as processes, up to hundreds of times, and compiling all imports takes
    longer than what these do.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".tools" / "compiled"))


def ledger_url(home: Path) -> str:
    """Return the ledger's address in a folder."""
    return f"sqlite:///{home / 'ledger.db'}"


def alert_files(home: Path) -> Path:
    """Return where alert files lie that take the place of the shipped ones, if they do."""
    return home / "alerts"


def variables(home: Path, services: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Return the variables.

    Args:
        home: Folder that keeps ledger and Meltano's state, apart from a user's own.
        services: What `service-emulators serve --json` wrote.
    """
    jde, pipedrive, zoho, dynamics = (services.get(name, {}) for name in ("jde", "pipedrive", "zoho", "dynamics"))
    twilio, sendgrid = services.get("twilio", {}), services.get("sendgrid", {})
    found = {
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "MELTANO_ENVIRONMENT": "demo",
        "MELTANO_SYS_DIR_ROOT": str(home / "meltano"),
        "MELTANO_DATABASE_URI": f"sqlite:///{home / 'meltano.db'}",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "TAP_JDEDWARDS_AIS_URL": jde.get("url"),
        "TAP_JDEDWARDS_USERNAME": jde.get("username"),
        "TAP_JDEDWARDS_PASSWORD": jde.get("password"),
        "TARGET_PIPEDRIVE_API_URL": pipedrive.get("url"),
        "TARGET_PIPEDRIVE_API_TOKEN": pipedrive.get("api_token"),
        "TARGET_PIPEDRIVE_LEDGER_URL": ledger_url(home),
        "TARGET_ZOHO_ACCOUNTS_URL": zoho.get("accounts_url"),
        "TARGET_ZOHO_UPLOAD_URL": zoho.get("upload_url"),
        "TARGET_ZOHO_CLIENT_ID": zoho.get("client_id"),
        "TARGET_ZOHO_CLIENT_SECRET": zoho.get("client_secret"),
        "TARGET_ZOHO_REFRESH_TOKEN": zoho.get("refresh_token"),
        "TARGET_ZOHO_TOKEN_FILE": str(home / ZOHO_TOKENS) if zoho else None,
        "TARGET_ZOHO_LEDGER_URL": ledger_url(home),
        "TARGET_DYNAMICS_TENANT_ID": dynamics.get("tenant_id"),
        "TARGET_DYNAMICS_CLIENT_ID": dynamics.get("client_id"),
        "TARGET_DYNAMICS_CLIENT_SECRET": dynamics.get("client_secret"),
        "TARGET_DYNAMICS_ORG_URL": dynamics.get("org_url"),
        "TARGET_DYNAMICS_AUTHORITY_URL": dynamics.get("authority_url"),
        "TARGET_DYNAMICS_API_URL": dynamics.get("api_url"),
        "TARGET_DYNAMICS_TOKEN_FILE": str(home / DYNAMICS_TOKENS) if dynamics else None,
        "TARGET_DYNAMICS_LEDGER_URL": ledger_url(home),
        "TARGET_TWILIO_API_URL": twilio.get("url"),
        "TARGET_TWILIO_ACCOUNT_SID": twilio.get("account_sid"),
        "TARGET_TWILIO_AUTH_TOKEN": twilio.get("auth_token"),
        "TARGET_TWILIO_FROM_NUMBER": twilio.get("from_number"),
        "TARGET_TWILIO_SENDGRID_API_URL": sendgrid.get("url"),
        "TARGET_TWILIO_SENDGRID_API_KEY": sendgrid.get("api_key"),
        "TARGET_TWILIO_FROM_EMAIL": sendgrid.get("from_email"),
        "TARGET_TWILIO_SENDGRID_EVENT_PUBLIC_KEY": sendgrid.get("event_public_key"),
        "TARGET_TWILIO_LEDGER_URL": ledger_url(home),
        "TARGET_TWILIO_RULES": str(alert_files(home) if alert_files(home).is_dir() else ROOT / "alerts"),
        "SYNC_LEDGER_URL": ledger_url(home),
    }
    return {name: value for name, value in found.items() if value}


def write(home: Path, services: t.Mapping[str, t.Mapping[str, t.Any]]) -> Path:
    """Write the variables, and the path to the commands, to a file that a shell can source."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(home, services).items()]
    lines.append(f"export PATH={shlex.quote(str(ROOT / '.venv' / 'bin'))}:$PATH")
    file = home / "env"
    file.touch(mode=0o600)  # it holds a password and a token
    file.write_text("\n".join(lines) + "\n")
    return file
