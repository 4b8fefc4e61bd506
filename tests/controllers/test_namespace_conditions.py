from __future__ import annotations

from typing import Any

from podwright.api.resources import PODS, RUNTIME_CLASSES, SECRETS
from podwright.controllers.namespace_conditions import conditions


def by_type(found: list[dict[str, str]]) -> dict[str, Any]:
    return {c["type"]: (c["status"], c["reason"], c["message"], c["lastTransitionTime"]) for c in found}


def test_what_is_left_is_counted_and_what_holds_it_is_named() -> None:
    held = {"metadata": {"finalizers": ["a/b"]}}
    found = by_type(conditions([(PODS, {}), (PODS, held), (SECRETS, held), (RUNTIME_CLASSES, {})], "now", []))
    assert found["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: pods. has 2 resource instances, "
        "runtimeclasses.node.k8s.io has 1 resource instances, secrets. has 1 resource instances",
        "now",
    )
    assert found["NamespaceFinalizersRemaining"][2] == (
        "Some content in the namespace has finalizers remaining: a/b in 2 resource instances"
    )


def test_an_empty_namespace_has_nothing_left_and_conditions_keep_their_time() -> None:
    before = conditions([(PODS, {})], "then", [])
    after = by_type(conditions([], "now", before))
    assert after["NamespaceContentRemaining"][::3] == ("False", "now")
    assert after["NamespaceDeletionContentFailure"][::3] == ("False", "then")
    assert len(after) == 5


def test_what_others_say_of_it_stays() -> None:
    mine = {"type": "example.com/Mine", "status": "True", "message": "hello"}
    first = conditions([], "then", [mine])
    assert first[0] == mine
    assert conditions([], "now", first) == first
