"""Fails every test that lets a secret be seen: in what it prints, logs, or leaves in its folder.

Known are all secrets that the emulators of the test process hand out (`service_emulators.handed_out`), all secret
settings plug-ins of a test are made with, and all that its AIS clients mask. Looked at are, for each test: captured
output and logs, what it took from `capsys` and `capfd`, from processes (`communicate`, `subprocess.run`), from
`redirect_stdout` and from command runners, and at its end the files in `tmp_path`: STATE, ledgers, logs, messages.

Files that hold secrets on purpose are known by their names. A test that prints a secret on purpose says why in
`@pytest.mark.shows_secrets("why")`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import re
import subprocess
import typing as t
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from click.testing import CliRunner
from jde_ais.redaction import Redactor
from service_emulators import handed_out
from service_emulators.jde.sessions import Account
from service_emulators.pipedrive.seed import secret
from singer_sdk.plugin_base import PluginBase

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MARKER = "shows_secrets"
ON_PURPOSE = ("*config*", "*secret*", "env", ".env", "*.env", "emulators.json", "*tokens.json*")
"""Names of files that hold secrets on purpose: settings, what these refer to, and those `script/emulators` writes."""

# An emulator in the test's process logs the addresses it is asked for, and those of next pages hold a token.
_EMULATORS_OWN_LOG = re.compile(r"^\w+ +uvicorn\..*$", re.MULTILINE)
_SECRET_VARIABLES = ("_JWT", "_PASSWORD", "_SECRET", "_TOKEN", "_URL")
_REFERENCES = {"age", "env", "file", "keyring", "plain"}
_SHORTEST = 6
_ANCHOR = 8
_CHUNK = 4 * 1024 * 1024


class Secrets:
    """All secrets known, found in a text without looking for each one: many begin alike, as tokens of a server do."""

    def __init__(self) -> None:
        self._by_anchor: dict[bytes, dict[bytes, str]] = {}
        self._lengths: dict[bytes, set[int]] = defaultdict(set)
        self.longest = 0

    def add(self, value: object, what: str) -> None:
        """Add a secret in every form it may be seen in; words and what is too short to be told from others are not."""
        if not isinstance(value, str) or len(value) < _SHORTEST or value.isalpha():
            return
        for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}:
            data = form.encode("utf-8", "surrogatepass")
            anchor = data[:_ANCHOR]
            self._by_anchor.setdefault(anchor, {}).setdefault(data, what)
            self._lengths[anchor].add(len(data))
            self.longest = max(self.longest, len(data))

    def find(self, data: bytes) -> Iterator[str]:
        """Tell what each secret is that stands in `data`."""
        for anchor, secrets in self._by_anchor.items():
            at = data.find(anchor)
            while at >= 0:
                for length in self._lengths[anchor]:
                    what = secrets.get(data[at : at + length])
                    if what is not None:
                        yield what
                at = data.find(anchor, at + 1)


class LeakGuard:
    """Watches the tests of one process."""

    def __init__(self) -> None:
        self.secrets = Secrets()
        self.own = Secrets()  # of the test that runs: what is a secret in one may be any word in the next
        self._leaks: dict[str, None] = {}

    def look(self, content: object, where: str) -> None:
        """Note the secrets that stand in a text."""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        if isinstance(content, bytes) and content:
            for what in itertools.chain(self.secrets.find(content), self.own.find(content)):
                self._leaks[f"the {what} in {where}"] = None

    def look_into(self, folder: Path) -> None:
        """Note the secrets that stand in the files of a folder."""
        for file in folder.rglob("*"):
            if file.is_symlink() or not file.is_file() or any(fnmatch(file.name, name) for name in ON_PURPOSE):
                continue
            with contextlib.suppress(OSError), file.open("rb") as content:
                rest = b""
                while chunk := content.read(_CHUNK):
                    self.look(rest + chunk, f"the file {file.relative_to(folder)}")
                    rest = chunk[-max(self.secrets.longest, self.own.longest) :]

    # -- pytest ------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a test fail at its end when a secret was seen since its beginning."""
        report = yield
        if call.when != "teardown":
            return report
        for title, content in report.sections:
            self.look(_EMULATORS_OWN_LOG.sub("", content), title.lower())
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        if isinstance(folder, Path) and item.get_closest_marker(MARKER) is None:
            self.look_into(folder)
        leaks, self._leaks, self.own = list(self._leaks), {}, Secrets()
        if leaks and report.passed and item.get_closest_marker(MARKER) is None:
            report.outcome = "failed"
            report.longrepr = (
                f"{item.nodeid} shows secrets: {'; '.join(leaks)}. Mask them where they are written; a test that shows "
                f'one on purpose is marked @pytest.mark.{MARKER}("why")'
            )
        return report


_active: list[LeakGuard] = []


def look(content: str | bytes, where: str) -> None:
    """Look at an output that only a helper of tests sees, such as messages a tap wrote in this process."""
    for guard in _active:
        guard.look(content, where)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the tests of this process."""
    config.addinivalue_line("markers", f"{MARKER}(why): the test shows secrets on purpose")
    guard = LeakGuard()
    config.pluginmanager.register(guard, "leak-guard")
    _active.append(guard)
    config.add_cleanup(lambda: _active.remove(guard))
    handed_out.listen(guard.secrets.add)
    # Emulators that run as processes of their own hand these out.
    Account()
    for purpose in ("api token", "access token"):
        secret(1, purpose)
    undo = pytest.MonkeyPatch()
    config.add_cleanup(undo.undo)
    _watch_settings(guard, undo)
    _watch_output(guard, undo)


def _watch_settings(guard: LeakGuard, patch: pytest.MonkeyPatch) -> None:
    def checked(plugin: PluginBase) -> None:
        for name, setting in plugin.config_jsonschema["properties"].items():
            if setting.get("secret"):
                _add_setting(guard.own, plugin.config.get(name), f"setting {name}")

    def learned(_: Redactor, value: str) -> None:
        guard.own.add(value, "secret of the AIS client")

    def started(_: object, *__: object, env: Mapping[str, str] | None = None, **___: object) -> None:
        for name, value in (env or {}).items():
            if name.endswith(_SECRET_VARIABLES):
                _add_setting(guard.own, value, f"variable {name}")

    _before(patch, PluginBase, "_validate_config", lambda plugin, **_: checked(plugin))
    _before(patch, subprocess.Popen, "__init__", started)
    _before(patch, Redactor, "learn", learned)


def _add_setting(secrets: Secrets, value: object, what: str) -> None:
    """Add a setting; of an address only what stands before the host."""
    if isinstance(value, str) and "://" in value:
        with contextlib.suppress(ValueError):
            secrets.add(urlsplit(value).password, what)
        return
    if not isinstance(value, str) or value.partition(":")[0] not in _REFERENCES:
        secrets.add(value, what)


def _watch_output(guard: LeakGuard, patch: pytest.MonkeyPatch) -> None:
    def both(result: tuple[object, object], where: str) -> None:
        for content in result:
            guard.look(content, where)

    def redirected(redirect: t.Any) -> None:
        if isinstance(redirect._new_target, io.StringIO):
            guard.look(redirect._new_target.getvalue(), "redirected output")

    _after(patch, pytest.CaptureFixture, "readouterr", lambda result: both(result, "captured output"))
    _after(patch, subprocess.Popen, "communicate", lambda result: both(result, "the output of a process"))
    _after(patch, CliRunner, "invoke", lambda result: guard.look(result.output, "the output of a command"))
    for redirect in (contextlib.redirect_stdout, contextlib.redirect_stderr):
        _before(patch, redirect, "__exit__", lambda self, *_: redirected(self))


def _before(patch: pytest.MonkeyPatch, owner: type, name: str, look: Callable[..., object]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def watched(*arguments: t.Any, **options: t.Any) -> t.Any:
        look(*arguments, **options)
        return original(*arguments, **options)

    patch.setattr(owner, name, watched)


def _after(patch: pytest.MonkeyPatch, owner: type, name: str, look: Callable[[t.Any], object]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def watched(*arguments: t.Any, **options: t.Any) -> t.Any:
        result = original(*arguments, **options)
        look(result)
        return result

    patch.setattr(owner, name, watched)
