"""Who a request is to be taken for: `kubectl --as`, for those who may.

`wanted` reads the headers, `questions` says what must be allowed for them; both are pure. Called by `front.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from multidict import MultiMapping

from podwright.admission.interface import User
from podwright.api.errors import BadRequest
from podwright.apiserver.filters.authz import Authorizer
from podwright.apiserver.routes import Asked

_USER, _GROUP, _UID, _EXTRA = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "impersonate-extra-"
_AUTHENTICATED, _UNAUTHENTICATED, _ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
_ACCOUNT = "system:serviceaccount:"
_AUTHN = "authentication.k8s.io"


def wanted(headers: MultiMapping[str]) -> User | None:
    """The user that the headers name, as they name it; None when they name nobody.

    Raises BadRequest when something is said of a user that is not named.
    """
    name, groups, uid = headers.get(_USER, ""), headers.getall(_GROUP, []), headers.get(_UID, "")
    extra = {
        unquote(key[len(_EXTRA) :]).lower(): tuple(headers.getall(key))
        for key in headers
        if key.lower().startswith(_EXTRA)
    }
    if name:
        return User(name, tuple(groups), uid, extra)
    if groups or uid or extra:
        raise BadRequest("requested impersonation without impersonating a user")
    return None


def questions(user: User) -> Iterator[Asked]:
    """What somebody must be allowed to be taken for `user`."""
    account = user.name.removeprefix(_ACCOUNT).split(":")
    if user.name.startswith(_ACCOUNT) and len(account) == 2:
        yield Asked("impersonate", "", plural="serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Asked("impersonate", "", plural="users", name=user.name)
    for group in user.groups:
        yield Asked("impersonate", "", plural="groups", name=group)
    for key, values in user.extra.items():
        for value in values:
            yield Asked("impersonate", "", group=_AUTHN, plural="userextras", subresource=key, name=value)
    if user.uid:
        yield Asked("impersonate", "", group=_AUTHN, plural="uids", name=user.uid)


def completed(user: User) -> User:
    """The user with the groups that everybody of its kind is in."""
    groups = tuple(user.groups)
    if user.name == _ANONYMOUS:
        return user if _UNAUTHENTICATED in groups else User(
            user.name, (*groups, _UNAUTHENTICATED), user.uid, user.extra
        )  # fmt: skip
    account = user.name.removeprefix(_ACCOUNT).split(":")
    if not groups and user.name.startswith(_ACCOUNT) and len(account) == 2:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if _AUTHENTICATED not in groups and _UNAUTHENTICATED not in groups:
        groups = (*groups, _AUTHENTICATED)
    return User(user.name, groups, user.uid, user.extra)


def impersonated(user: User, headers: MultiMapping[str], authorizer: Authorizer) -> User:
    """Who `user` is to be taken for: `user` itself when the headers do not say. Raises Forbidden, BadRequest."""
    if _USER not in headers and not any(key.lower().startswith("impersonate-") for key in headers):
        return user
    other = wanted(headers)
    if other is None:
        return user
    for asked in questions(other):
        authorizer.check(user, asked, {})
    return completed(other)
