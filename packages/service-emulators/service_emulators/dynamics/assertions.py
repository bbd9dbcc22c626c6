"""Client assertions: JSON Web Tokens signed with the key of a registered certificate (fact sheet section 1)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service_emulators.dynamics.entra_errors import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate
    from jwt.types import Options

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_THUMBPRINTS = {"x5t": hashes.SHA1, "x5t#S256": hashes.SHA256}
_ALGORITHMS = ["RS256", "PS256"]
_SKEW_SECONDS = 300
# The emulator's clock may differ from the machine's, which the library goes by.
_OPTIONS: Options = {
    "require": ["aud", "exp", "iss", "sub", "jti"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


def check_assertion(
    assertion: str, client_id: str, certificates: Sequence[Certificate], audiences: Sequence[str], now: float
) -> None:
    """Checks an assertion.

    Args:
        assertion: the token.
        client_id: app registration it must speak for.
        certificates: certificates of that registration.
        audiences: what it may be addressed to.
        now: seconds since 1970.

    Raises:
        TokenError: it is not signed by such a certificate's key, not for this app or address, or not valid now.
    """
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise refused("assertion", why="It is not a signed token.") from error
    key = _key(header, certificates)
    try:
        claims = jwt.decode(
            assertion,
            key,
            algorithms=_ALGORITHMS,
            audience=list(audiences),
            issuer=client_id,
            options=_OPTIONS,
        )
    except jwt.InvalidAudienceError as error:
        raise refused("assertion_audience", why="It must be the token endpoint.") from error
    except jwt.InvalidTokenError as error:
        raise refused("assertion", why=f"{error}.") from error
    if claims["sub"] != client_id:
        raise refused("assertion", why="Issuer and subject must be the application.")
    _check_time(claims, now)


def _key(header: dict[str, Any], certificates: Sequence[Certificate]) -> RSAPublicKey:
    for certificate in certificates:
        for name, algorithm in _THUMBPRINTS.items():
            # MSAL writes the padding that base64 in tokens is to be without.
            if str(header.get(name, "")).rstrip("=") == thumbprint(certificate, algorithm()):
                key = certificate.public_key()
                if isinstance(key, RSAPublicKey):
                    return key
    raise refused("assertion", why="No certificate has that thumbprint.")


def thumbprint(certificate: Certificate, algorithm: hashes.HashAlgorithm) -> str:
    """Returns the thumbprint of a certificate as a token's header names it."""
    return base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).decode().rstrip("=")


def _check_time(claims: dict[str, Any], now: float) -> None:
    try:
        start, end = float(claims.get("nbf", 0)), float(claims["exp"])
    except (TypeError, ValueError) as error:
        raise refused("assertion_time", why="Its times are no numbers.") from error
    if not start - _SKEW_SECONDS <= now < end + _SKEW_SECONDS:
        raise refused("assertion_time", why="It has expired or is not valid yet.")
