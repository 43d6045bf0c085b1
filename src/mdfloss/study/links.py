"""Links that cannot be forged, and names that do not tell who somebody is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Secrets"]

_MAC_LENGTH = 22  # 132 bits


@dataclass(frozen=True)
class Secrets:
    """The keys of one study, which stay on the server.

    Attributes:
        signing_key: Key of all signatures and pseudonyms.
        admin_token: Opens the admin page and the exports.
    """

    signing_key: str
    admin_token: str

    @classmethod
    def create(cls, path: Path) -> Secrets:
        """Draw new keys and write them to `path`, readable by its owner only."""
        keys = cls(secrets.token_urlsafe(32), secrets.token_urlsafe(24))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"signing_key": keys.signing_key, "admin_token": keys.admin_token}, file)
        return keys

    @classmethod
    def load(cls, path: Path) -> Secrets:
        """Read the keys.

        Raises:
            ValueError: The file is missing or damaged.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no keys of a study ({error}): restore it, or make the study anew"
            ) from error

    def _mac(self, purpose: str, value: str) -> str:
        digest = hmac.digest(
            self.signing_key.encode(), f"{purpose}\0{value}".encode("utf-8", "replace"), hashlib.sha256
        )
        return base64.urlsafe_b64encode(digest).decode()[:_MAC_LENGTH]

    def link(self, key: str) -> str:
        """The signed token of a session's key: what stands in a participant's link."""
        return f"{key}.{self._mac('link', key)}"

    def read_link(self, token: str) -> str | None:
        """The key in a token, or None where the signature is not ours."""
        key, _, mac = token.rpartition(".")
        good = hmac.compare_digest(self._mac("link", key).encode(), mac.encode("utf-8", "replace"))
        return key if good else None

    def pseudonym(self, platform: str, name: str) -> str:
        """A stable name for a platform's worker, from which nobody without the key can tell the worker."""
        return f"{platform}-{self._mac('observer', f'{platform}/{name}')[:16]}"

    def completion_code(self, key: str) -> str:
        """The code that a session earns: eight letters and digits, none easily mistaken."""
        digest = hmac.digest(self.signing_key.encode(), f"code\0{key}".encode(), hashlib.sha256)
        return "".join("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[byte % 32] for byte in digest[:8])

    def is_admin(self, token: str) -> bool:
        """Whether `token` is the admin token, in constant time."""
        return hmac.compare_digest(self.admin_token.encode(), token.encode("utf-8", "replace"))
