"""The whole suite on one machine: emulated services, real plug-in processes, a ledger file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
MAPPING = ROOT / "mappings" / "jde-to-pipedrive.yml"


@dataclass
class Suite:
    """Emulators and a folder of one test; starts plug-ins as a user does."""

    jde: t.Any
    pipedrive: t.Any
    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    zoho: t.Any = None
    dynamics: t.Any = None

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.home}/ledger.db"

    @property
    def environment(self) -> dict[str, str]:
        """Settings of all plug-ins, as variables; nothing of the caller's but the path."""
        return {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "NO_COLOR": "1",
            "MELTANO_ENVIRONMENT": "demo",
            "MELTANO_PROJECT_ROOT": str(ROOT),
            "MELTANO_SYS_DIR_ROOT": str(self.home / "meltano"),
            "MELTANO_DATABASE_URI": f"sqlite:///{self.home}/meltano.db",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "TAP_JDEDWARDS_AIS_URL": self.jde.url,
            "TAP_JDEDWARDS_USERNAME": self.jde.username,
            "TAP_JDEDWARDS_PASSWORD": self.jde.password,
            "TARGET_PIPEDRIVE_API_URL": self.pipedrive.url,
            "TARGET_PIPEDRIVE_API_TOKEN": self.pipedrive.api_token,
            "TARGET_PIPEDRIVE_LEDGER_URL": self.ledger_url,
            "TARGET_PIPEDRIVE_LOOKUP_DELAY_SECONDS": "0",
            "SYNC_LEDGER_URL": self.ledger_url,
            **self._of_zoho(),
            **self._of_dynamics(),
            **self.settings,
        }

    def _of_zoho(self) -> dict[str, str]:
        if self.zoho is None:
            return {}
        facts = self.zoho.describe()
        names = ("accounts_url", "upload_url", "client_id", "client_secret", "refresh_token")
        return {
            **{f"TARGET_ZOHO_{name.upper()}": facts[name] for name in names},
            "TARGET_ZOHO_TOKEN_FILE": str(self.home / "target-zoho-tokens.json"),
            "TARGET_ZOHO_LEDGER_URL": self.ledger_url,
        }

    def _of_dynamics(self) -> dict[str, str]:
        if self.dynamics is None:
            return {}
        facts = self.dynamics.describe()
        names = ("tenant_id", "client_id", "client_secret", "org_url", "authority_url", "api_url")
        return {
            **{f"TARGET_DYNAMICS_{name.upper()}": facts[name] for name in names},
            "TARGET_DYNAMICS_TOKEN_FILE": str(self.home / "target-dynamics-tokens.json"),
            "TARGET_DYNAMICS_LEDGER_URL": self.ledger_url,
        }

    def start(self, *command: str, **options: t.Any) -> subprocess.Popen[bytes]:
        """Start a command with the suite's environment."""
        return subprocess.Popen(command, env=self.environment, cwd=ROOT, **options)

    def call(self, *command: str, **options: t.Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and return what it printed."""
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240, **options
        )

    def extract(self, file: Path, *, streams: str = '["customers", "contacts"]') -> None:
        """Write what tap and mapper give to a file."""
        config = self.home / "mapper.json"
        config.write_text(json.dumps({"mapping_file": str(MAPPING)}))
        settings = {**self.environment, "TAP_JDEDWARDS_STREAMS": streams, "TAP_JDEDWARDS_TABLES": "[]"}
        with file.open("wb") as out:
            tap = subprocess.Popen(["tap-jdedwards", "--config=ENV"], env=settings, cwd=ROOT, stdout=subprocess.PIPE)
            mapper = subprocess.Popen(
                ["sync-mapper", "--config", str(config)], env=settings, cwd=ROOT, stdin=tap.stdout, stdout=out
            )
            assert mapper.wait() == 0
            assert tap.wait() == 0

    def load(self, file: Path) -> subprocess.CompletedProcess[str]:
        """Feed a file of Singer messages to target-pipedrive."""
        with file.open("rb") as lines:
            return self.call("target-pipedrive", "--config=ENV", stdin=lines)

    def runs(self) -> list[dict[str, t.Any]]:
        """Return the ledger's runs."""
        done = self.call("sync-ledger", "runs", "--json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, t.Any]] = json.loads(done.stdout)
        return found

    def customers(self) -> set[str]:
        """Return the address numbers JDE has as customers."""
        return {str(row["AN8"]) for row in self.jde.control.rows("F03012", where={"CO": "00000"})}

    def numbers_at_pipedrive(self, entity: str) -> list[str]:
        """Return the JDE numbers of all records of an entity, duplicates and all."""
        return [record["custom_fields"]["JDE Number"] for record in self.pipedrive.control.records(entity)]
