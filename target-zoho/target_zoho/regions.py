"""Zoho's data centers and the hosts of each (Zoho CRM API fact sheet section 1; vendor's Python SDK for v8)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from sync_ledger.errors import ConfigError

API: t.Final = "/crm/v8"
UPLOAD: t.Final = f"{API}/upload"


@dataclass(frozen=True)
class Region:
    """One data center.

    Attributes:
        accounts: Address of the accounts server, which gives tokens.
        api: Address of the API.
        upload: Address that takes the files of bulk writes.
    """

    accounts: str
    api: str
    upload: str


REGIONS: t.Final[dict[str, Region]] = {
    "us": Region("https://accounts.zoho.com", "https://www.zohoapis.com", "https://content.zohoapis.com"),
    "eu": Region("https://accounts.zoho.eu", "https://www.zohoapis.eu", "https://content.zohoapis.eu"),
    "in": Region("https://accounts.zoho.in", "https://www.zohoapis.in", "https://content.zohoapis.in"),
    "au": Region("https://accounts.zoho.com.au", "https://www.zohoapis.com.au", "https://content.zohoapis.com.au"),
    "cn": Region("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", "https://content.zohoapis.com.cn"),
    "jp": Region("https://accounts.zoho.jp", "https://www.zohoapis.jp", "https://content.zohoapis.jp"),
    "ca": Region("https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "https://upload.zohocloud.ca"),
    "sa": Region("https://accounts.zoho.sa", "https://www.zohoapis.sa", "https://files.zoho.sa"),
}
"""Setting `data_center` -> hosts."""

_DOMAINS: t.Final = frozenset(
    (urlsplit(address).hostname or "").partition(".")[2]
    for region in REGIONS.values()
    for address in (region.accounts, region.api, region.upload)
)

_KINDS: t.Final = ("sandbox.", "developer.")
"""Hosts beside `www.` that serve a copy of an org."""


def region_of(address: str) -> str | None:
    """Return the data center an address belongs to; None for an emulator, a proxy or one not known.

    Sandbox and developer hosts belong to the data center of their production host.
    """
    host = (urlsplit(address).hostname or "").lower()
    for kind in _KINDS:
        if host.startswith(kind):
            host = f"www.{host.removeprefix(kind)}"
    hosts = {name: {urlsplit(one).hostname for one in (a.accounts, a.api, a.upload)} for name, a in REGIONS.items()}
    return next((name for name, known in hosts.items() if host in known), None)


def belongs_to_zoho(address: str) -> bool:
    """Whether an address is of one of the domains of Zoho's data centers, such as `zoho.eu` and `zohoapis.eu`."""
    host = (urlsplit(address).hostname or "").lower()
    return any(host.endswith(f".{domain}") for domain in _DOMAINS)


def upload_address(api: str) -> str:
    """Return the address that takes files for an API; one of no data center takes them itself."""
    region = region_of(api)
    return api if region is None else REGIONS[region].upload


def checked(setting: str, address: str) -> str:
    """Return an address without its trailing slash.

    Raises:
        ConfigError: If it is none.
    """
    url = address.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        # The value itself is not repeated: a mistaken one may carry credentials.
        raise ConfigError(f"{setting} must be a plain address such as {REGIONS['us'].api}")
    return url.rstrip("/")
