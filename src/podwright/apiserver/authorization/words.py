"""How the tables of default roles are written: rules and objects in few words.

Called by `default_roles.py` and `controller_roles.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from podwright.apiserver.authorization.rule import Rule

CORE = ""
READ = "get list watch"
WRITE = "create delete deletecollection patch update"
READ_WRITE = f"{READ} {WRITE}"
READ_UPDATE = f"{READ} patch update"


@dataclass(frozen=True, slots=True)
class DefaultRole:
    """A role that every cluster has; `namespace` "" for a ClusterRole."""

    name: str
    rules: Sequence[Rule] = ()
    labels: Sequence[str] = ()
    """Labels whose value is `true`."""
    aggregates: str = ""
    """The label by which a ClusterRole selects those whose rules it has."""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class DefaultBinding:
    """A binding that every cluster has, of the ClusterRole (or the Role of its namespace) `role`."""

    name: str
    role: str
    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    accounts: Sequence[str] = field(default=())
    """Service accounts of kube-system."""
    namespace: str = ""


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Rule:
    """A rule for resources; words stand between blanks, the core group is `""`."""
    return Rule(
        tuple(verbs.split()),
        tuple(groups.split()) or (CORE,),
        tuple(resources.split()),
        tuple(names.split()),
    )


def events() -> Rule:
    """Writing Events, in both groups that have them."""
    return Rule(("create", "patch", "update"), (CORE, "events.k8s.io"), ("events",))
