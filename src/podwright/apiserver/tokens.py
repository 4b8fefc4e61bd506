"""Service account tokens: JSON Web Tokens signed by this server, bound to what they were asked for.

`Tokens` issues and reads them; whether the account (and the Pod, Secret or Node) it is bound to is still the same one
is decided against the store at each use, so a deleted Pod's token is worth nothing.
Called by authentication, the TokenReview and the `serviceaccounts/token` subresource.
Page: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

CLAIM = "kubernetes.io"
_HEADER_TYPE = "ES256"
_SIGNATURE_HALF = 32
"""Bytes of each of the two numbers of an ES256 signature."""
_READ_KEPT = 1024


class TokenInvalid(Exception):
    """The token cannot be trusted; the message says why (and never quotes it)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The object whose life limits the token's: a Pod, Secret or Node."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Times are seconds since the epoch."""

    namespace: str
    service_account: str
    service_account_uid: str
    audiences: Sequence[str]
    issued: int
    expires: int
    token_id: str = ""
    binding: Binding | None = None
    node: Mapping[str, str] = field(default_factory=dict)
    """Name and uid of the node of a bound Pod, where it is known."""

    @property
    def user_name(self) -> str:
        """The user's name in Kubernetes."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def groups(self) -> Sequence[str]:
        """The user's groups in Kubernetes."""
        return ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated")


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def payload(claims: Claims, issuer: str) -> dict[str, Any]:
    """The JWT's claims."""
    own: dict[str, Any] = {
        "namespace": claims.namespace,
        "serviceaccount": {"name": claims.service_account, "uid": claims.service_account_uid},
    }
    if claims.binding:
        own[claims.binding.kind.lower()] = {"name": claims.binding.name, "uid": claims.binding.uid}
    if claims.node:
        own["node"] = dict(claims.node)
    return {
        "iss": issuer,
        "sub": claims.user_name,
        "aud": list(claims.audiences),
        "iat": claims.issued,
        "nbf": claims.issued,
        "exp": claims.expires,
        "jti": claims.token_id,
        CLAIM: own,
    }


def read_payload(content: Mapping[str, Any], issuer: str) -> Claims:
    """Claims from a JWT whose signature was good. Raises TokenInvalid."""
    if content.get("iss") != issuer:
        raise TokenInvalid("the token is another issuer's")
    try:
        own = content[CLAIM]
        account = own["serviceaccount"]
        binding = None
        for kind in ("Pod", "Secret", "Node"):
            bound = own.get(kind.lower())
            if bound and binding is None:
                binding = Binding(kind, bound["name"], bound["uid"])
        audience = content["aud"]
        return Claims(
            own["namespace"],
            account["name"],
            account["uid"],
            [audience] if isinstance(audience, str) else list(audience),
            int(content["iat"]),
            int(content["exp"]),
            content.get("jti") or "",
            binding,
            own.get("node") or {},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TokenInvalid("the token lacks the claims of a service account") from None


class Tokens:
    """Issues and reads tokens with one key pair, which is loaded on first use."""

    def __init__(self, key_file: Path, issuer: str, worked: Callable[[], None] = lambda: None) -> None:
        """`worked` is told of each use of the library that signs: it is large, and mostly not needed."""
        self._key_file = key_file
        self._issuer = issuer
        self._worked = worked
        self._key: Any = None
        self._key_id = ""
        self._read: dict[bytes, Claims] = {}

    @property
    def issuer(self) -> str:
        """The `iss` of the tokens, and their default audience."""
        return self._issuer

    @property
    def algorithm(self) -> str:
        """How tokens are signed, in the words of JSON Web Algorithms."""
        return _HEADER_TYPE

    def public_key(self) -> dict[str, str]:
        """The key that verifies tokens, as a JSON Web Key. `load` must have been called."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64(number.to_bytes(_SIGNATURE_HALF, "big")).decode() for number in (numbers.x, numbers.y))
        return {"use": "sig", "kty": "EC", "kid": self._key_id, "alg": _HEADER_TYPE, "crv": "P-256", "x": x, "y": y}

    @property
    def loaded(self) -> bool:
        """Whether `load` has been called."""
        return self._key is not None

    def load(self) -> None:
        """Read the key (blocking). Raises OSError, ValueError."""
        if self._key is not None:
            return
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        key: Any = load_pem_private_key(self._key_file.read_bytes(), None)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._key_id = _base64(hashlib.sha256(public).digest()).decode()
        self._key = key

    def issue(self, claims: Claims) -> str:
        """A signed token. `load` must have been called."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        self._worked()
        header = _base64(msgspec.json.encode({"alg": _HEADER_TYPE, "kid": self._key_id}))
        signed = header + b"." + _base64(msgspec.json.encode(payload(claims, self._issuer)))
        r, s = decode_dss_signature(self._key.sign(signed, ec.ECDSA(SHA256())))
        signature = r.to_bytes(_SIGNATURE_HALF, "big") + s.to_bytes(_SIGNATURE_HALF, "big")
        return (signed + b"." + _base64(signature)).decode()

    def read(self, token: str, now: float) -> Claims:
        """What a token says, its signature, issuer and times checked. `load` must have been called.

        Raises TokenInvalid.
        """
        digest = hashlib.sha256(token.encode()).digest()
        claims = self._read.get(digest)
        if claims is None:
            claims = self._verify(token)
            if len(self._read) >= _READ_KEPT:
                del self._read[next(iter(self._read))]
            self._read[digest] = claims
        if now >= claims.expires:
            raise TokenInvalid("the token has expired")
        if now + 60 < claims.issued:  # a minute of leeway between clocks
            raise TokenInvalid("the token is not valid yet")
        return claims

    def _verify(self, token: str) -> Claims:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        self._worked()
        parts = token.split(".")
        if len(parts) != 3:
            raise TokenInvalid("the token is no JSON Web Token")
        try:
            header = msgspec.json.decode(_unbase64(parts[0]))
            content = msgspec.json.decode(_unbase64(parts[1]))
            signature = _unbase64(parts[2])
            if header.get("alg") != _HEADER_TYPE or len(signature) != 2 * _SIGNATURE_HALF:
                raise TokenInvalid("the token is signed in a way that is not used here")
            half = [int.from_bytes(signature[i : i + _SIGNATURE_HALF], "big") for i in (0, _SIGNATURE_HALF)]
            signed = f"{parts[0]}.{parts[1]}".encode()
            self._key.public_key().verify(encode_dss_signature(*half), signed, ec.ECDSA(SHA256()))
        except (binascii.Error, ValueError, AttributeError, InvalidSignature):
            raise TokenInvalid("the token's signature does not hold") from None
        if not isinstance(content, dict):
            raise TokenInvalid("the token is no JSON Web Token")
        return read_payload(content, self._issuer)
