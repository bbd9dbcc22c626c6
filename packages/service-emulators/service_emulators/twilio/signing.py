"""X-Twilio-Signature: what a webhook's receiver checks (HMAC-SHA1 with the account's auth token)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

if TYPE_CHECKING:
    from collections.abc import Iterable


def signature(auth_token: str, url: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """Returns the signature of a request.

    Args:
        auth_token: auth token of the account.
        url: address as it is called; its fragment is not signed.
        parameters: form parameters; of one name each value counts once.
    """
    message = urldefrag(url).url + "".join(name + value for name, value in sorted(set(parameters)))
    digest = hmac.new(auth_token.encode(), message.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
