"""Questions that are posted as objects and answered at once: who am I, what may I do, whose token is this.

None of them is stored. Called by `front.py` and the in-process client; what is allowed stands in `filters/authz.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from podwright.admission.interface import User
from podwright.api import resources
from podwright.api.errors import BadRequest, Invalid
from podwright.api.field import FieldError, Path, invalid
from podwright.api.objects import Object, namespace_of
from podwright.api.resources import Resource
from podwright.api.selectors import FieldRequirement, FieldSelector
from podwright.apiserver.authorization.rbac import listed
from podwright.apiserver.filters.authn import Authenticator, user_of_claims
from podwright.apiserver.filters.authz import Authorizer
from podwright.apiserver.handlers.metadata import check_type
from podwright.apiserver.registry.strategy import Row, Strategy
from podwright.apiserver.routes import Asked
from podwright.apiserver.tokens import TokenInvalid, Tokens


def _row(resource: Resource) -> Row:
    schema = f"io.k8s.api.{resource.group.partition('.')[0]}.{resource.version}.{resource.kind}"
    return Row(resource, Strategy(), schema, singular=resource.kind.lower())


REVIEW_ROWS: Sequence[Row] = tuple(
    map(
        _row,
        (
            resources.TOKEN_REVIEWS,
            resources.SELF_SUBJECT_REVIEWS,
            resources.ACCESS_REVIEWS,
            resources.LOCAL_ACCESS_REVIEWS,
            resources.SELF_ACCESS_REVIEWS,
            resources.SELF_RULES_REVIEWS,
        ),
    )
)
"""Rows of the resources that can only be created, for routes and discovery."""
_ROWS = {row.resource: row for row in REVIEW_ROWS}
_RESOURCE, _PATH = "resourceAttributes", "nonResourceAttributes"


def user_info(user: User) -> dict[str, Any]:
    """authentication.k8s.io/v1 UserInfo."""
    info: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {k: list(v) for k, v in user.extra.items()}
    return info


def spec_errors(resource: Resource, spec: dict[str, Any], namespace: str) -> list[FieldError]:
    """Everything wrong with an access review; `namespace` is where a local one is posted."""
    where = Path("spec")
    about, path = spec.get(_RESOURCE), spec.get(_PATH)
    errors = []
    if about is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        errors.append(invalid(where.child(_PATH), path, text))
    if about is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.append(invalid(where.child(_RESOURCE), about, text))
    if resource != resources.SELF_ACCESS_REVIEWS and not spec.get("user") and not spec.get("groups"):
        errors.append(invalid(where.child("user"), spec.get("user") or "", "at least one of user or group must be "
                              "specified"))  # fmt: skip
    if resource == resources.LOCAL_ACCESS_REVIEWS:
        if path is not None:
            errors.append(invalid(where.child(_PATH), path, "disallowed on this kind of request"))
        asked_in = (about or {}).get("namespace") or ""
        if about is not None and asked_in != namespace:
            errors.append(invalid(where.child(_RESOURCE, "namespace"), asked_in, "must match metadata.namespace"))
    return errors


def asked_in(spec: dict[str, Any]) -> Asked:
    """What an access review asks about."""
    path = spec.get(_PATH)
    if path is not None:
        return Asked(path.get("verb") or "", path.get("path") or "")
    about: dict[str, Any] = spec.get(_RESOURCE) or {}
    words = ("group", "version", "resource", "namespace", "name", "subresource")
    group, version, plural, namespace, name, subresource = (about.get(word) or "" for word in words)
    return Asked(about.get("verb") or "", "", None, group, version, plural, namespace, name, subresource)


def selector_in(spec: dict[str, Any]) -> FieldSelector:
    """The field selector of what an access review asks about."""
    selector = (spec.get(_RESOURCE) or {}).get("fieldSelector") or {}
    return FieldSelector(
        tuple(
            FieldRequirement(r.get("key") or "", r["values"][0], r["operator"] == "In")
            for r in selector.get("requirements") or ()
            if r.get("operator") in ("In", "NotIn") and len(r.get("values") or ()) == 1
        )
    )


def subject_in(spec: dict[str, Any]) -> User:
    """Whom an access review asks about."""
    groups, extra = tuple(spec.get("groups") or ()), {k: tuple(v) for k, v in (spec.get("extra") or {}).items()}
    return User(spec.get("user") or "", groups, spec.get("uid") or "", extra)


class Reviews:
    """Answers the reviews of one server."""

    def __init__(self, authenticator: Authenticator, authorizer: Authorizer, tokens: Tokens) -> None:
        self._tokens = tokens
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._answers: dict[Resource, Callable[[User, dict[str, Any]], dict[str, Any]]] = {
            resources.SELF_SUBJECT_REVIEWS: lambda user, spec: {"userInfo": user_info(user)},
            resources.SELF_ACCESS_REVIEWS: self._access,
            resources.ACCESS_REVIEWS: lambda user, spec: self._access(subject_in(spec), spec),
            resources.LOCAL_ACCESS_REVIEWS: lambda user, spec: self._access(subject_in(spec), spec),
            resources.SELF_RULES_REVIEWS: self._rules,
            resources.TOKEN_REVIEWS: lambda user, spec: self._token(spec),
        }

    async def answer(self, resource: Resource, user: User, obj: Object, namespace: str) -> Object:
        """The review with its status. Raises BadRequest, Invalid."""
        check_type(obj, _ROWS[resource])
        spec = obj.get("spec") or {}
        if resource in (resources.SELF_ACCESS_REVIEWS, resources.ACCESS_REVIEWS, resources.LOCAL_ACCESS_REVIEWS):
            if resource.namespaced and namespace_of(obj) not in ("", namespace):
                raise BadRequest(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            errors = spec_errors(resource, spec, namespace)
            if errors:
                raise Invalid.of(resource.kind, "", errors, group=resource.group)
        elif resource == resources.TOKEN_REVIEWS:
            if not spec.get("token"):
                raise BadRequest("token is required for TokenReview in authentication")
            await asyncio.to_thread(self._tokens.load)
        return {**obj, "status": self._answers[resource](user, spec)}

    def _access(self, user: User, spec: dict[str, Any]) -> dict[str, Any]:
        decision = self._authorizer.decide(user, asked_in(spec), selector_in(spec))
        return {"allowed": decision.allowed} | ({"reason": decision.reason} if decision.reason else {})

    def _rules(self, user: User, spec: dict[str, Any]) -> dict[str, Any]:
        namespace = spec.get("namespace") or ""
        if not namespace:
            raise BadRequest("no namespace on request")
        rules, errors = self._authorizer.rules(user, namespace)
        told = [rule.as_json() for rule in rules]
        status: dict[str, Any] = {
            "resourceRules": [rule for rule in told if "nonResourceURLs" not in rule],
            "nonResourceRules": [rule for rule in told if "nonResourceURLs" in rule],
            "incomplete": bool(errors),
        }
        return status | ({"evaluationError": listed(errors)} if errors else {})

    def _token(self, spec: dict[str, Any]) -> dict[str, Any]:
        audiences = tuple(spec.get("audiences") or ())
        try:
            claims = self._authenticator.review(spec.get("token") or "", audiences)
        except TokenInvalid as error:
            return {"authenticated": False, "user": {}, "error": str(error)}
        matching = [a for a in claims.audiences if not audiences or a in audiences]
        return {"authenticated": True, "user": user_info(user_of_claims(claims)), "audiences": matching}
