"""Keeping passwords and tokens out of logs and errors."""

from __future__ import annotations

import html
import json
import logging
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
_SECRET_PARAMETERS = re.compile(r"((?:\$|%24)?\b(?:token|password|username)=)[^&#\s\"']*", re.IGNORECASE)


def redact_url(url: str) -> str:
    """Masks the values of secret parameters in a URL or in a text that holds one; next links carry the token."""
    return _SECRET_PARAMETERS.sub(rf"\1{MASK}", url)


class Redactor:
    """Knows the secrets of one client and masks them in texts that came from elsewhere."""

    def __init__(self, *secrets: str) -> None:
        self._lock = threading.Lock()
        self._forms: list[str] = []
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Adds a secret, with the forms it takes inside URLs, JSON and HTML."""
        with self._lock:
            known = {*self._forms, *_forms(secret)} - {""}
            self._forms = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Returns the text, on one line, without any known secret."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return " ".join(redact_url(text).split())


def _forms(secret: str) -> set[str]:
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    slashes = {form.replace("/", "\\/") for form in in_json}  # some write / so
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), *in_json, *slashes}
    in_html = {html.escape(form, quote=quotes) for form in forms for quotes in (True, False)}
    # Quotes have more than one name in HTML, and texts of errors come on one line.
    named = {form.replace("&#x27;", name) for form in in_html for name in ("&#39;", "&#039;", "&apos;")}
    named |= {form.replace("&quot;", "&#34;") for form in {*in_html, *named}}
    return {*forms, *in_html, *named}


class _UrlFilter(logging.Filter):
    """Masks secret parameters in the request lines urllib3 logs at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(redact_url(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


_url_filter = _UrlFilter("")


def guard_http_logs() -> None:
    """Makes urllib3's own log lines safe; calling it again changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_url_filter)
