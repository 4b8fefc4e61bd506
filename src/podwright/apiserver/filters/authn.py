"""Who asks: a client certificate of our authority, or a service account's token. Nobody else is known.

`user_of_subject` is pure; `Authenticator` also looks whether what a token is bound to is still there.
Page: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from __future__ import annotations

import functools
import ssl
from typing import Any

from podwright.admission.interface import User
from podwright.api.errors import Unauthorized
from podwright.api.objects import uid_of
from podwright.api.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from podwright.apiserver.context import Context
from podwright.apiserver.tokens import Binding, Claims, TokenInvalid, Tokens

AUTHENTICATED = "system:authenticated"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ANONYMOUS_PATHS = frozenset(("/healthz", "/livez", "/readyz"))
"""What nobody needs a name for; as upstream where anonymous requests are limited to the health endpoints."""
_BOUND = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}
_EXTRA = "authentication.kubernetes.io/"

Subject = tuple[tuple[tuple[str, str], ...], ...]
"""A certificate's subject as the ssl module gives it."""


@functools.lru_cache(maxsize=256)
def user_of_subject(subject: Subject) -> User | None:
    """The user that a client certificate names: common name and organizations. None without a common name."""
    pairs = [pair for part in subject for pair in part]
    name = next((value for field, value in pairs if field == "commonName"), "")
    groups = [value for field, value in pairs if field == "organizationName"]
    return User(name, (*groups, AUTHENTICATED)) if name else None


@functools.lru_cache(maxsize=256)
def ends_at(not_after: str) -> float:
    """The end of a certificate, as the ssl module gives it, in seconds since the epoch."""
    return ssl.cert_time_to_seconds(not_after)


def user_of_claims(claims: Claims) -> User:
    """The user that a service account token names."""
    extra: dict[str, list[str]] = {}
    if claims.token_id:
        extra[f"{_EXTRA}credential-id"] = [f"JTI={claims.token_id}"]
    if claims.binding and claims.binding.kind == "Pod":
        extra[f"{_EXTRA}pod-name"] = [claims.binding.name]
        extra[f"{_EXTRA}pod-uid"] = [claims.binding.uid]
    if claims.node:
        extra[f"{_EXTRA}node-name"] = [claims.node.get("name", "")]
        extra[f"{_EXTRA}node-uid"] = [claims.node.get("uid", "")]
    return User(claims.user_name, claims.groups, claims.service_account_uid, extra)


class Authenticator:
    """Finds out who asks."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    def authenticate(self, certificate: dict[str, Any] | None, authorization: str) -> User | None:
        """The user of a request, by its connection's certificate or its header; None when there is neither.

        Raises Unauthorized for a header that proves nothing, and for a certificate that has ended since.
        """
        if certificate:
            user = user_of_subject(certificate["subject"])
            if user is not None:
                # A connection may last longer than the certificate that it was made with.
                if self._context.now().timestamp() > ends_at(certificate["notAfter"]):
                    raise Unauthorized
                return user
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            return user_of_claims(self.review(token.strip(), ()))
        except TokenInvalid:
            # Why it is no good is not told to who shows it.
            raise Unauthorized from None

    def review(self, token: str, audiences: tuple[str, ...]) -> Claims:
        """What a token says, when it is good for one of `audiences` (none: ours). Raises TokenInvalid."""
        self._tokens.load()
        claims = self._tokens.read(token, self._context.now().timestamp())
        wanted = audiences or (self._tokens.issuer,)
        if not set(wanted) & set(claims.audiences):
            raise TokenInvalid(
                f"token audiences {list(claims.audiences)} is invalid for the target audiences {list(wanted)}"
            )
        self._hold(claims)
        return claims

    def _hold(self, claims: Claims) -> None:
        account = self._context.find(SERVICE_ACCOUNTS, claims.service_account, claims.namespace)
        if account is None or uid_of(account) != claims.service_account_uid:
            raise TokenInvalid("the service account is gone")
        if claims.binding:
            self._hold_binding(claims.binding, claims.namespace)

    def _hold_binding(self, binding: Binding, namespace: str) -> None:
        resource = _BOUND[binding.kind]
        bound = self._context.find(resource, binding.name, namespace if resource.namespaced else "")
        if bound is None or uid_of(bound) != binding.uid:
            raise TokenInvalid(f"the {binding.kind} that the token is bound to is gone")
