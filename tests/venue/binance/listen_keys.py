"""Listen keys: who may read which account's user data stream, and for how long."""

from __future__ import annotations

import hashlib

LIFETIME_NS = 3_600 * 1_000_000_000


class ListenKeys:
    """One valid key per account; asking again returns it and prolongs it, as the venue does."""

    def __init__(self) -> None:
        self._by_account: dict[str, str] = {}
        self._until: dict[str, int] = {}
        self._issued = 0

    def create(self, account: str, now: int) -> str:
        key = self._by_account.get(account)
        if key is None or not self.is_valid(key, now):
            self._issued += 1
            key = hashlib.sha256(f"listen:{account}:{self._issued}".encode()).hexdigest()
            self._by_account[account] = key
        self._until[key] = now + LIFETIME_NS
        return key

    def keep(self, account: str, now: int) -> str | None:
        """Prolong the account's key; None when it has none."""
        key = self._by_account.get(account)
        if key is None or not self.is_valid(key, now):
            return None
        self._until[key] = now + LIFETIME_NS
        return key

    def close(self, account: str) -> None:
        self._until.pop(self._by_account.pop(account, ""), None)

    def expire(self, account: str) -> None:
        """End the account's key now, as an hour without a keepalive does: its streams are told."""
        key = self._by_account.get(account)
        if key is not None:
            self._until[key] = 0

    def is_valid(self, key: str, now: int) -> bool:
        return now < self._until.get(key, 0)

    def is_known(self, key: str) -> bool:
        return key in self._until

    def account(self, key: str, now: int) -> str | None:
        if not self.is_valid(key, now):
            return None
        return next((account for account, known in self._by_account.items() if known == key), None)
