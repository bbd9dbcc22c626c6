"""Fetch uv from the package index with the standard library alone, for systems whose Python has neither venv nor pip.

Usage: fetch_uv.py VERSION FOLDER
"""

from __future__ import annotations

import configparser
import hashlib
import html
import io
import os
import platform
import re
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

PYPI = "https://pypi.org/simple"
PIP_CONFIGS = ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")


def main(version: str, folder: str) -> None:
    """Install the program `uv` into a folder."""
    page_url = f"{_index().rstrip('/')}/uv/"
    wheel_url = _wheel(page_url, version)
    content = _get(wheel_url.partition("#")[0])
    wanted = re.search(r"sha256=([0-9a-f]{64})", wheel_url)
    if wanted and hashlib.sha256(content).hexdigest() != wanted[1]:
        sys.exit("Error: the fetched uv does not have the hash its index names")
    program = Path(folder) / "uv"
    program.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        program.write_bytes(wheel.read(f"uv-{version}.data/scripts/uv"))
    program.chmod(0o755)


def _index() -> str:
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read([os.environ.get("PIP_CONFIG_FILE", ""), *(Path(name).expanduser() for name in PIP_CONFIGS)])
    return index or str(config.get("global", "index-url", fallback=PYPI))


def _wheel(page_url: str, version: str) -> str:
    links = re.findall(r'href="([^"]+)"', _get(page_url).decode())
    for link in map(html.unescape, links):
        name = link.partition("#")[0].rpartition("/")[2]
        if name.startswith(f"uv-{version}-py3-none-") and _fits(name):
            return urllib.parse.urljoin(page_url, link)
    sys.exit(f"Error: {page_url} has no uv {version} for {platform.system()} {platform.machine()}")


def _fits(wheel_name: str) -> bool:
    machine = {"amd64": "x86_64", "aarch64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin":
        family = "macosx"
    else:
        family = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return family in wheel_name and wheel_name.endswith(f"{machine}.whl")


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "text/html", "User-Agent": "fetch-uv"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
