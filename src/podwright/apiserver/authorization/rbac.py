"""Role based access control: whether the roles that a user is given allow what is asked, and why.

What one user may do is worked out once and kept until a role or binding changes, so that a request costs two look-ups.
Called by `filters/authz.py` for every request.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from podwright.admission.interface import User
from podwright.apiserver.authorization.policies import Policies
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.routes import Asked

_USERS_KEPT: Final = 1024
_SCOPES_KEPT: Final = 256
_ANSWERS_KEPT: Final = 1024
"""Who asks chooses names, namespaces and verbs: what is kept of them has an end."""

_Question = tuple[str, str, str, str]
"""Verb, group, plural, subresource."""


class _Scope:
    """The rules that one user has in one namespace, and what was asked of them before."""

    __slots__ = ("_answers", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self._answers: dict[_Question, bool | Collection[str]] = {}

    def allow(self, asked: Asked) -> bool:
        if not asked.is_resource:
            return any(rule.allows(asked) for rule in self.rules)
        question = (asked.verb, asked.group, asked.plural, asked.subresource)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[question] = self._answer(question)
        return answer if isinstance(answer, bool) else asked.name in answer

    def _answer(self, question: _Question) -> bool | Collection[str]:
        """Yes, no, or the names for which it is yes."""
        concerned = [rule for rule in self.rules if rule.concerns(*question)]
        if any(not rule.names for rule in concerned):
            return True
        return frozenset(name for rule in concerned for name in rule.names) or False


class Rbac:
    """Decides by roles and bindings."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._users: dict[tuple[str, tuple[str, ...]], dict[str, _Scope]] = {}
        policies.on_change(self._users.clear)

    def allowed(self, user: User, asked: Asked) -> bool:
        """Whether a role of the user allows what is asked."""
        scopes = self._users.get((user.name, tuple(user.groups)))
        if scopes is None:
            if len(self._users) >= _USERS_KEPT:
                self._users.clear()
            scopes = self._users[user.name, tuple(user.groups)] = {}
        # Rules for paths hold everywhere or nowhere.
        scope = scopes.get(asked.namespace)
        if scope is None:
            if len(scopes) >= _SCOPES_KEPT:
                scopes.clear()
            scope = scopes[asked.namespace] = _Scope(self.rules(user, asked.namespace)[0])
        return scope.allow(asked)

    def rules(self, user: User, namespace: str) -> tuple[Sequence[Rule], Sequence[str]]:
        """Everything that a user is given everywhere and in a namespace, and which roles of it are not there."""
        rules: list[Rule] = []
        absent = []
        for grant in self._policies.grants(user, namespace):
            rules += grant.rules
            if grant.missing:
                absent.append(grant.missing)
        return rules, absent

    def reason(self, user: User, asked: Asked) -> str:
        """Why it is allowed, or what may have been meant to allow it; "" where there is nothing to say."""
        absent = []
        for grant in self._policies.grants(user, asked.namespace):
            if any(rule.allows(asked) for rule in grant.rules):
                return f"RBAC: allowed by {grant.reason}"
            if grant.missing:
                absent.append(grant.missing)
        return f"RBAC: {listed(absent)}" if absent else ""


def listed(errors: Sequence[str]) -> str:
    """Several errors in one text."""
    unique = list(dict.fromkeys(errors))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
