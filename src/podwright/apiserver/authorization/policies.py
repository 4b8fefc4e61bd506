"""All roles and bindings, found by whom they are given to; kept current by the store itself.

`Policies` knows what is there, `follow` has the store tell it of every change before the change is acknowledged: who
has seen a binding written is judged by it. Called by `rbac.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.admission.interface import User
from podwright.api.objects import Object
from podwright.api.rbac import GROUP
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.context import Context, storage_path
from podwright.storage.interface import Entry, StoreEvent

_Named = tuple[str, str]
"""Namespace ("" for none) and name."""
_Subject = tuple[str, str]
"""`User` or `Group`, and its name."""
Put = Callable[[str, str, Object | None], None]
"""Takes namespace, name and object of what is there, None for what is gone."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding; `namespace` is "" for a ClusterRoleBinding."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: Mapping[_Subject, str]
    """How the binding calls each: `User "jane"`, `ServiceAccount "app/default"`."""

    def describe(self, subject: _Subject) -> str:
        """This binding as the reason of a decision."""
        kind, name = (
            ("RoleBinding", f"{self.name}/{self.namespace}") if self.namespace else ("ClusterRoleBinding", self.name)
        )
        return f'{kind} "{name}" of {self.role_kind} "{self.role_name}" to {self.subjects[subject]}'


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one user: rules, or the role it names is not there (`missing` says so)."""

    rules: Sequence[Rule]
    reason: str
    missing: str = ""


def subjects_of(binding: Mapping[str, Any], namespace: str) -> Mapping[_Subject, str]:
    """Whom a binding is for. A service account is a user with a long name."""
    found: dict[_Subject, str] = {}
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind") or "", subject.get("name") or ""
        if kind == "ServiceAccount":
            of = subject.get("namespace") or namespace
            found["User", f"system:serviceaccount:{of}:{name}"] = f'ServiceAccount "{name}/{of}"'
        else:
            found[kind, name] = f'{kind} "{name}"'
    return found


class Policies:
    """Roles and bindings by name and subject."""

    def __init__(self) -> None:
        self._roles: dict[tuple[str, str, str], Sequence[Rule]] = {}
        self._bindings: dict[_Named, Binding] = {}
        self._by_subject: dict[_Subject, dict[_Named, Binding]] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever something is no longer as it was."""
        self._listeners.append(listener)

    def put_role(self, namespace: str, name: str, role: Object | None) -> None:
        """A role ("" for namespace: a ClusterRole) is as given; None: it is gone."""
        key = "Role" if namespace else "ClusterRole", namespace, name
        if role is None:
            self._roles.pop(key, None)
        else:
            self._roles[key] = tuple(Rule.of(rule) for rule in role.get("rules") or ())
        self._changed()

    def put_binding(self, namespace: str, name: str, obj: Object | None) -> None:
        """A binding ("" for namespace: a ClusterRoleBinding) is as given; None: it is gone."""
        key = namespace, name
        old = self._bindings.pop(key, None)
        for subject in old.subjects if old else ():
            del self._by_subject[subject][key]
            if not self._by_subject[subject]:
                del self._by_subject[subject]
        if obj is not None:
            reference = obj.get("roleRef") or {}
            binding = Binding(
                namespace, name, reference.get("kind") or "", reference.get("name") or "", subjects_of(obj, namespace)
            )
            self._bindings[key] = binding
            for subject in binding.subjects:
                self._by_subject.setdefault(subject, {})[key] = binding
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def rules(self, kind: str, name: str, namespace: str) -> Sequence[Rule] | None:
        """The rules of a role that a binding in `namespace` names; None when it is not there."""
        return self._roles.get((kind, "" if kind == "ClusterRole" else namespace, name))

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """What a user is given: first what holds everywhere, then what holds in one namespace ("": nothing more)."""
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        for scope in ("", namespace) if namespace else ("",):
            for subject in subjects:
                for binding in self._by_subject.get(subject, {}).values():
                    if binding.namespace == scope:
                        yield self._grant(binding, subject)

    def _grant(self, binding: Binding, subject: _Subject) -> Grant:
        rules = self.rules(binding.role_kind, binding.role_name, binding.namespace)
        reason = binding.describe(subject)
        if rules is None:
            return Grant((), reason, f'{binding.role_kind.lower()}.{GROUP} "{binding.role_name}" not found')
        return Grant(rules, reason)


def follow(context: Context, policies: Policies) -> None:
    """Have `policies` know what is in the store, now and from now on."""

    def take(put: Put, key: str, entry: Entry | None) -> None:
        namespace, _, name = key.rpartition("/")
        put(namespace, name, context.decoded.get(entry.revision, entry.value) if entry else None)

    def told(prefix: str, put: Put, events: Sequence[StoreEvent]) -> None:
        for event in events:
            take(put, event.key.removeprefix(prefix), event.entry)

    feeds: Sequence[tuple[Resource, Put]] = (
        (ROLES, policies.put_role),
        (CLUSTER_ROLES, policies.put_role),
        (ROLE_BINDINGS, policies.put_binding),
        (CLUSTER_ROLE_BINDINGS, policies.put_binding),
    )
    for resource, put in feeds:
        prefix = storage_path(resource)
        for entry in context.store.list(prefix).entries:
            take(put, entry.key.removeprefix(prefix), entry)
        context.store.listen(prefix, functools.partial(told, prefix, put))
