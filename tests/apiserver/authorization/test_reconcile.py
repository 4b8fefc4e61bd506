from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.authorization.judged import rule

from podwright.admission.interface import User
from podwright.api.objects import copy_object
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLES
from podwright.api.schema import Schema
from podwright.apiserver.authorization.reconcile import completed, defaults, reconcile
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.context import Call, Context
from podwright.apiserver.local_client import LocalClient
from podwright.apiserver.registry.rows import ROWS
from podwright.storage.memory import MemoryStore

DEFAULTS = defaults()
AUTO = "rbac.authorization.kubernetes.io/autoupdate"


def default(name: str) -> dict[str, Any]:
    return copy_object(next(r for r in DEFAULTS[CLUSTER_ROLES] if r["metadata"]["name"] == name))


def default_binding(name: str) -> dict[str, Any]:
    return copy_object(next(b for b in DEFAULTS[CLUSTER_ROLE_BINDINGS] if b["metadata"]["name"] == name))


def test_admin_has_what_edit_has_and_edit_what_view_has() -> None:
    view, edit, admin = (default(name)["rules"] for name in ("view", "edit", "admin"))
    assert all(r in edit for r in view)
    assert all(r in admin for r in edit)
    assert not any("rolebindings" in r["resources"] for r in edit)
    assert any("rolebindings" in r["resources"] for r in admin)


@pytest.mark.parametrize("name", ["view", "edit", "admin"])
def test_tenants_roles_reach_nothing_of_the_cluster(name: str) -> None:
    reached = {resource for r in default(name)["rules"] for resource in r["resources"]}
    forbidden = {"nodes", "runtimeclasses", "clusterroles", "clusterrolebindings", "persistentvolumes", "*"}
    assert not reached & forbidden


def test_nobody_but_administrators_may_everything() -> None:
    everything = [
        role["metadata"]["name"]
        for role in DEFAULTS[CLUSTER_ROLES]
        for r in role["rules"]
        if Rule.of(r).concerns("*", "*", "*", "")
    ]
    assert everything == ["cluster-admin"]
    assert default_binding("cluster-admin")["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}
    ]


def test_what_is_whole_is_left_alone() -> None:
    assert completed(default("edit"), default("edit")) is None
    assert completed(default_binding("system:discovery"), default_binding("system:discovery")) is None


def test_what_was_taken_away_comes_back_and_what_was_added_stays() -> None:
    wanted = default("system:node-proxier")
    there = {**copy_object(wanted), "rules": [*wanted["rules"][1:], rule("get", "secrets")]}
    there["metadata"]["labels"] = {"mine": "1"}
    new = completed(there, wanted)
    assert new is not None
    assert new["rules"][: len(there["rules"])] == there["rules"]
    assert new["rules"][len(there["rules"]) :] == [
        {"apiGroups": [""], "resources": [name], "verbs": ["list", "watch"]} for name in ("endpoints", "services")
    ]
    assert new["metadata"]["labels"] == {"mine": "1", "kubernetes.io/bootstrapping": "rbac-defaults"}


def test_a_subject_that_was_taken_away_comes_back() -> None:
    wanted = default_binding("system:discovery")
    more = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}
    new = completed({**wanted, "subjects": [more]}, wanted)
    assert new is not None
    assert new["subjects"] == [more, *wanted["subjects"]]


def test_who_wants_it_otherwise_says_so() -> None:
    wanted = default_binding("system:discovery")
    there = copy_object(wanted)
    there["subjects"] = []
    there["metadata"]["annotations"][AUTO] = "false"
    assert completed(there, wanted) is None


def test_an_aggregated_role_keeps_the_rules_that_its_controller_wrote() -> None:
    there = {**default("edit"), "rules": [rule("get", "widgets", "example.com")]}
    assert completed(there, default("edit")) is None
    del there["aggregationRule"]
    new = completed(there, default("edit"))
    assert new is not None and new["aggregationRule"] == default("edit")["aggregationRule"]


async def no_posts(call: Call, subresource: str, obj: Any) -> Any:
    raise AssertionError(subresource)


async def test_all_are_made_and_put_right_at_the_next_start(schema: Schema) -> None:
    store = MemoryStore()
    client = LocalClient(Context(store, ROWS, schema), User("system:apiserver"), no_posts)
    await reconcile(client)
    made = store.revision
    assert len((await client.list(CLUSTER_ROLES)).items) == len(DEFAULTS[CLUSTER_ROLES])
    await reconcile(client)
    assert store.revision == made, "a second start writes nothing"
    await client.delete(CLUSTER_ROLES, "system:node")
    await client.delete(CLUSTER_ROLE_BINDINGS, "cluster-admin")
    wrong = default_binding("cluster-admin")
    wrong["roleRef"]["name"] = "view"
    await client.create(CLUSTER_ROLE_BINDINGS, wrong)
    await reconcile(client)
    assert (await client.get(CLUSTER_ROLES, "system:node"))["rules"]
    assert (await client.get(CLUSTER_ROLE_BINDINGS, "cluster-admin"))["roleRef"]["name"] == "cluster-admin"
    assert (await client.list(ROLES, "kube-system")).items
