"""Questions that are posted as objects and answered at once: who am I, what may I do, whose token is this.

None of them is stored. Called by `front.py`; what is allowed stands in `filters/authz.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from podwright.admission.interface import User
from podwright.api.errors import BadRequest
from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.apiserver.filters import authz
from podwright.apiserver.filters.authn import Authenticator, user_of_claims
from podwright.apiserver.registry.strategy import Row, Strategy
from podwright.apiserver.routes import Asked, Table
from podwright.apiserver.tokens import TokenInvalid, Tokens

_AUTHN, _AUTHZ = "authentication.k8s.io", "authorization.k8s.io"


def _row(group: str, kind: str, *, namespaced: bool = False) -> Row:
    plural = f"{kind.lower()}s"
    schema = f"io.k8s.api.{group.partition('.')[0]}.v1.{kind}"
    return Row(Resource(group, "v1", plural, kind, namespaced), Strategy(), schema, singular=kind.lower())


REVIEW_ROWS: Sequence[Row] = (
    _row(_AUTHN, "TokenReview"),
    _row(_AUTHN, "SelfSubjectReview"),
    _row(_AUTHZ, "SubjectAccessReview"),
    _row(_AUTHZ, "LocalSubjectAccessReview", namespaced=True),
    _row(_AUTHZ, "SelfSubjectAccessReview"),
    _row(_AUTHZ, "SelfSubjectRulesReview"),
)
"""Rows of the resources that can only be created, for routes and discovery."""


def user_info(user: User) -> dict[str, Any]:
    """authentication.k8s.io/v1 UserInfo."""
    info: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {k: list(v) for k, v in user.extra.items()}
    return info


def asked_in(spec: dict[str, Any], table: Table) -> Asked:
    """What an access review asks about. Raises BadRequest when it asks nothing, or two things."""
    resource: dict[str, Any] = spec.get("resourceAttributes") or {}
    other: dict[str, Any] = spec.get("nonResourceAttributes") or {}
    if bool(resource) == bool(other):
        raise BadRequest("exactly one of nonResourceAttributes or resourceAttributes must be specified")
    if other:
        return Asked(other.get("verb") or "", other.get("path") or "")
    group, plural = resource.get("group") or "", resource.get("resource") or ""
    return Asked(
        resource.get("verb") or "",
        "",
        table.get((group, resource.get("version") or "v1", plural)),
        group=group,
        version=resource.get("version") or "",
        plural=plural,
        namespace=resource.get("namespace") or "",
        name=resource.get("name") or "",
        subresource=resource.get("subresource") or "",
    )


def rules_status(user: User) -> dict[str, Any]:
    """SubjectRulesReviewStatus of a user."""
    resources, paths = [], []
    for rule in authz.rules_of(user):
        if rule.paths:
            paths.append({"verbs": list(rule.verbs), "nonResourceURLs": list(rule.paths)})
        else:
            resources.append(
                {"verbs": list(rule.verbs), "apiGroups": list(rule.groups), "resources": list(rule.resources)}
            )
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}


class Reviews:
    """Answers the reviews of one server."""

    def __init__(self, authenticator: Authenticator, tokens: Tokens, table: Table) -> None:
        self._tokens = tokens
        self._authenticator = authenticator
        self._table = table
        self._answers: dict[str, Callable[[User, dict[str, Any]], Any]] = {
            "SelfSubjectReview": lambda user, spec: {"userInfo": user_info(user)},
            "SelfSubjectAccessReview": self._access,
            "SubjectAccessReview": self._other_access,
            "LocalSubjectAccessReview": self._other_access,
            "SelfSubjectRulesReview": lambda user, spec: rules_status(user),
        }

    async def answer(self, kind: str, user: User, obj: Object) -> Object:
        """The review with its status. Raises BadRequest."""
        spec = obj.get("spec") or {}
        if kind == "TokenReview":
            await asyncio.to_thread(self._tokens.load)
            status = self._token(spec)
        else:
            status = self._answers[kind](user, spec)
        obj.setdefault("metadata", {})
        return {**obj, "status": status}

    def _access(self, user: User, spec: dict[str, Any]) -> dict[str, Any]:
        allowed = authz.allowed(user, asked_in(spec, self._table))
        return {"allowed": allowed}

    def _other_access(self, user: User, spec: dict[str, Any]) -> dict[str, Any]:
        if not spec.get("user") and not spec.get("groups"):
            raise BadRequest("at least one of user or group must be specified")
        other = User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "")
        return self._access(other, spec)

    def _token(self, spec: dict[str, Any]) -> dict[str, Any]:
        audiences = tuple(spec.get("audiences") or ())
        try:
            claims = self._authenticator.review(spec.get("token") or "", audiences)
        except TokenInvalid as error:
            return {"authenticated": False, "user": {}, "error": str(error)}
        matching = [a for a in claims.audiences if not audiences or a in audiences]
        return {"authenticated": True, "user": user_info(user_of_claims(claims)), "audiences": matching}
