from __future__ import annotations

from typing import Any

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.resources import CERTIFICATE_SIGNING_REQUESTS
from podwright.apiserver.guards import sign_in

JANE = User("jane", ("dev",), "7", {"team": ("a",)})
NOW, BEFORE = "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


def write(operation: Operation, obj: dict[str, Any], old: dict[str, Any] | None = None, who: User = JANE) -> Any:
    sign_in(Attributes(operation, CERTIFICATE_SIGNING_REQUESTS, who, "", "r", "", obj, old), NOW)
    return obj


def test_nobody_asks_in_anothers_name() -> None:
    claimed = {"spec": {"request": "x", "username": "admin", "groups": ["system:masters"], "uid": "0", "extra": {}}}
    assert write(Operation.CREATE, claimed)["spec"] == {
        "request": "x",
        "username": "jane",
        "groups": ["dev"],
        "uid": "7",
        "extra": {"team": ["a"]},
    }
    assert write(Operation.CREATE, {"spec": {"uid": "0"}}, who=User("bob"))["spec"] == {"username": "bob"}


def condition(kind: str, status: str = "True", **times: str) -> dict[str, str]:
    return {"type": kind, "status": status, **times}


def status(*conditions: dict[str, str]) -> dict[str, Any]:
    return {"status": {"conditions": list(conditions)}}


def test_conditions_say_when_they_came() -> None:
    made = write(Operation.UPDATE, status(condition("Approved")), status())
    assert made["status"]["conditions"] == [condition("Approved", lastUpdateTime=NOW, lastTransitionTime=NOW)]


def test_a_condition_that_was_there_keeps_its_time() -> None:
    old = status(condition("Other", lastUpdateTime=BEFORE, lastTransitionTime=BEFORE))
    same = write(Operation.UPDATE, status(condition("Other", lastUpdateTime=BEFORE)), old)
    assert same["status"]["conditions"][0]["lastTransitionTime"] == BEFORE
    turned = write(Operation.UPDATE, status(condition("Other", "False", lastUpdateTime=NOW)), old)
    assert turned["status"]["conditions"][0]["lastTransitionTime"] == NOW


def test_a_delete_has_nothing_to_note() -> None:
    sign_in(Attributes(Operation.DELETE, CERTIFICATE_SIGNING_REQUESTS, JANE, old={"spec": {}}), NOW)
