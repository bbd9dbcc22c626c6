"""Account, keys and SIDs of one emulated account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_emulators.twilio.seed import FROM_NUMBER, digits, secret, sid

if TYPE_CHECKING:
    from service_emulators.row_store import Row


class Identity:
    """Who the account is; all follows from the seed.

    Attributes:
        account_sid: account.
        auth_token: its primary token, which signs webhooks too.
        api_key_sid: an API key.
        api_key_secret: its secret.
        test_account_sid: test credentials.
        test_auth_token: their token.
        messaging_service_sid: the one Messaging Service.
        from_number: a number that is in no Messaging Service.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.account_sid = sid("AC", seed, "account")
        self.auth_token = secret(seed, "auth token")
        self.api_key_sid = sid("SK", seed, "api key")
        self.api_key_secret = secret(seed, "api key secret")
        self.test_account_sid = sid("AC", seed, "test account")
        self.test_auth_token = secret(seed, "test auth token")
        self.messaging_service_sid = sid("MG", seed, "messaging service")
        self.from_number = FROM_NUMBER

    def account_of(self, username: str, password: str) -> str | None:
        """Returns the account that credentials belong to, or None."""
        return {
            (self.account_sid, self.auth_token): self.account_sid,
            (self.api_key_sid, self.api_key_secret): self.account_sid,
            (self.test_account_sid, self.test_auth_token): self.test_account_sid,
        }.get((username, password))

    def message(self, number: int, row: Row) -> str:
        """Returns the SID of a message; `MM` with media."""
        return ("MM" if row["media"] else "SM") + digits(self._seed, f"message {number} {row['created_at']}")

    def call(self, number: int) -> str:
        """Returns the SID of a call."""
        return "CA" + digits(self._seed, f"call {number}")
