"""One HTTP request of a service to somebody's webhook, with the time-outs it allows."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    connect_seconds: float = 5.0,
    read_seconds: float = 15.0,
) -> int | str:
    """Calls a webhook once, without a proxy: it stands between nobody and a test on loopback.

    Args:
        url: address; its fragment is not sent.
        body: content.
        headers: headers.
        method: HTTP method.
        connect_seconds: time to connect.
        read_seconds: time to wait for the answer.

    Returns:
        The status of the answer, or `ct` when there was no connection, or `rt` when there was no answer.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Receivers of tests sign their certificates themselves.
        unchecked = ssl.create_default_context()
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.netloc, timeout=connect_seconds, context=unchecked)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=connect_seconds)
    try:
        try:
            connection.connect()
        except OSError:
            return "ct"
        connection.sock.settimeout(read_seconds)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return "rt"
    finally:
        connection.close()
    return answer.status
