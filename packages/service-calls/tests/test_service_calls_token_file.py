from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
import typing as t

from service_calls import Tokens, kept_tokens, mark
from service_calls.token_file import KEPT_SECONDS, Kept, keep_tokens

if t.TYPE_CHECKING:
    from pathlib import Path

WRITING = """
import itertools, sys
from pathlib import Path
from service_calls import Tokens
from service_calls.token_file import Kept, keep_tokens
print("ready", flush=True)
for number in itertools.count():
    keep_tokens(Path(sys.argv[1]), "o", Kept(Tokens("a" * 400, "r" * 400, float(number))), now=0.0)
"""


def test_a_kill_at_any_moment_leaves_whole_tokens(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    last = -1.0
    for moment in (0.01, 0.03, 0.05, 0.08):
        child = subprocess.Popen([sys.executable, "-c", WRITING, str(file)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        while not file.exists():
            time.sleep(0.01)
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = kept_tokens(file)["o"].tokens
        assert found is not None
        assert (len(found.access_token), len(found.refresh_token)) == (400, 400)
        last = max(last, found.expires_at)
    assert last > 0


def test_a_file_holds_the_tokens_of_several_log_ins_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    for name in ("one", "two", "one"):
        keep_tokens(file, mark(name), Kept(Tokens(name, "", 100.0), [1.0]), now=50.0)
    assert {one.tokens.access_token for one in kept_tokens(file).values() if one.tokens} == {"one", "two"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["tokens.json"]
    assert "one" not in repr(kept_tokens(file)[mark("one")].tokens)


def test_log_ins_nobody_uses_any_more_leave_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    keep_tokens(file, "old", Kept(Tokens("a", "", 100.0)), now=0.0)
    keep_tokens(file, "new", Kept(), now=99.0 + KEPT_SECONDS)
    assert set(kept_tokens(file)) == {"old", "new"}
    keep_tokens(file, "new", Kept(), now=101.0 + KEPT_SECONDS)
    assert set(kept_tokens(file)) == {"new"}


def test_a_file_that_holds_no_tokens_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    assert kept_tokens(file) == {}
    for content in (b"{", b"[]", b'{"x": 1}', b"\xff"):
        file.write_bytes(content)
        assert kept_tokens(file) == {}
