"""The patch from one status to another."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.status.patch import status_patch

READY = {"type": "Ready", "status": "True", "lastProbeTime": None}
UNREADY = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
GATE = {"type": "x/y", "status": "True"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    "nothing changed writes nothing": ({"phase": "Running"}, {"phase": "Running"}, None),
    "null and absent are the same": (
        {"conditions": [{"type": "Ready", "status": "True"}]},
        {"conditions": [READY]},
        None,
    ),
    "a changed field is sent": ({"phase": "Pending", "a": 1}, {"phase": "Running", "a": 1}, {"phase": "Running"}),
    "only the condition that changed is sent, with lost fields as null": (
        {"conditions": [UNREADY, GATE]},
        {"conditions": [READY, GATE]},
        {"conditions": [{"reason": None, **READY}]},
    ),
    "a condition of others is never written back": (
        {"conditions": [{**GATE, "status": "False"}]},
        {"conditions": [GATE]},
        None,
    ),
    "a condition of others that is gone is only written if it is new": (
        {"conditions": []},
        {"conditions": [GATE]},
        {"conditions": [GATE]},
    ),
    "reason and message go when they are no longer said": (
        {"phase": "Pending", "reason": "x", "message": "y"},
        {"phase": "Pending"},
        {"reason": None, "message": None},
    ),
    "fields of others stay": ({"nominatedNodeName": "n"}, {}, None),
    "an address that is gone is deleted by its key": (
        {"podIPs": [{"ip": "1"}]},
        {"podIPs": [{"ip": "2"}]},
        {"podIPs": [{"ip": "2"}, {"$patch": "delete", "ip": "1"}]},
    ),
}


@pytest.mark.parametrize(("base", "desired", "status"), CASES.values(), ids=CASES.keys())
def test_patch(base: dict[str, Any], desired: dict[str, Any], status: dict[str, Any] | None) -> None:
    expected = None if status is None else {"metadata": {"uid": "u"}, "status": status}
    assert status_patch(base, desired, "u") == expected
