"""Who may log in: names, keys and secrets, made from the seed so that a restarted venue knows its clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one account: one pair for HMAC, one for Ed25519 (the secret is base64 of the PKCS#8 DER)."""

    account: str
    api_key: str
    api_secret: str
    passphrase: str
    ed25519_api_key: str
    ed25519_secret: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What an API key stands for."""

    account: str
    is_ed25519: bool


class KeyRing:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._by_account: dict[str, Credentials] = {}
        self._identities: dict[str, Identity] = {}

    def issue(self, account: str) -> Credentials:
        """Return the account's credentials, the same ones for the same seed and name."""
        if account in self._by_account:
            return self._by_account[account]
        private = Ed25519PrivateKey.from_private_bytes(self._derive(account, "ed25519"))
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credentials = Credentials(
            account=account,
            api_key=self._derive(account, "key").hex(),
            api_secret=self._derive(account, "secret").hex(),
            passphrase=self._derive(account, "passphrase").hex()[:12],
            ed25519_api_key=self._derive(account, "ed25519-key").hex(),
            ed25519_secret=base64.b64encode(der).decode(),
        )
        self._by_account[account] = credentials
        self._identities[credentials.api_key] = Identity(account, is_ed25519=False)
        self._identities[credentials.ed25519_api_key] = Identity(account, is_ed25519=True)
        return credentials

    def all(self) -> list[Credentials]:
        return list(self._by_account.values())

    def identify(self, api_key: str) -> Identity | None:
        return self._identities.get(api_key)

    def credentials(self, account: str) -> Credentials:
        return self._by_account[account]

    def verify(self, identity: Identity, payload: str, signature: str) -> bool:
        """Check a signature: lower-case hex for HMAC-SHA256, base64 for Ed25519."""
        credentials = self._by_account[identity.account]
        if not identity.is_ed25519:
            expected = hmac_hex(credentials.api_secret, payload)
            return hmac.compare_digest(expected.encode(), signature.lower().encode())
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(credentials.ed25519_secret)[-32:])
        try:
            private.public_key().verify(base64.b64decode(signature, validate=True), payload.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _derive(self, account: str, purpose: str) -> bytes:
        return hashlib.sha256(f"venue:{self._seed}:{account}:{purpose}".encode()).digest()


def hmac_hex(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def hmac_base64(secret: str, payload: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()).decode()
