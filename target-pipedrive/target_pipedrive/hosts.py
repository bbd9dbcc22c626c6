"""Where Pipedrive's two API versions live (Pipedrive API fact sheet section 1)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from sync_ledger.errors import ConfigError

_DOMAIN: t.Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class Hosts:
    """Base addresses of the API versions, without a trailing slash.

    Attributes:
        v1: Base of version 1.
        v2: Base of version 2.
    """

    v1: str
    v2: str

    def url(self, path: str) -> str:
        """Return the address of a path that starts with its version, such as `/v2/organizations`."""
        version, _, rest = path.removeprefix("/").partition("/")
        return f"{self.v1 if version == 'v1' else self.v2}/{rest}"


def hosts(api_url: str | None = None, company_domain: str | None = None) -> Hosts:
    """Work out the addresses from the settings.

    Args:
        api_url: Base of an emulator or proxy; requests go to `{api_url}/api/v2/...`.
        company_domain: The `acme` of `https://acme.pipedrive.com`.

    Raises:
        ConfigError: If a setting is not usable.
    """
    if api_url:
        base = _checked(api_url).rstrip("/")
    elif company_domain:
        base = f"https://{domain(company_domain)}.pipedrive.com"
    else:
        # The shared host serves version 1 at /v1 and answers 404 at /api/v1.
        return Hosts(v1="https://api.pipedrive.com/v1", v2="https://api.pipedrive.com/api/v2")
    return Hosts(v1=f"{base}/api/v1", v2=f"{base}/api/v2")


def domain(company_domain: str) -> str:
    """Return the bare company domain, also when the whole host or address was given.

    Raises:
        ConfigError: If it is not a host label.
    """
    bare = company_domain.strip().lower().removeprefix("https://").rstrip("/").removesuffix(".pipedrive.com")
    if not _DOMAIN.fullmatch(bare):
        raise ConfigError(
            f"setting company_domain {company_domain!r} is not a Pipedrive company domain; give the 'acme' of"
            " https://acme.pipedrive.com"
        )
    return bare


def _checked(api_url: str) -> str:
    url = api_url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        # The value itself is not repeated: a mistaken one may carry credentials.
        raise ConfigError("setting api_url must be a plain address such as https://acme.pipedrive.com")
    return url
