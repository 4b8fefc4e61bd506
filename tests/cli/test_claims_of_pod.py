"""What `why` says of a Pod's claims."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.cli.claims_of_pod import findings


def claim(**meta: Any) -> Object:
    return {"metadata": {"name": "c", "uid": "u", **meta}, "spec": {"storageClassName": "local"}}


def event(reason: str, message: str, at: str = "2026-01-01T00:00:00Z", uid: str = "u") -> Object:
    kind = "Normal" if reason == "WaitForFirstConsumer" else "Warning"
    return {"reason": reason, "message": message, "type": kind, "lastTimestamp": at, "involvedObject": {"uid": uid}}


@pytest.mark.parametrize(
    ("made", "events", "what", "details", "advised"),
    [
        pytest.param(None, [], "the claim c is not there", (), True, id="not there"),
        pytest.param(
            claim(deletionTimestamp="2026-01-01T00:00:00Z"), [], "the claim c is being deleted", (), True, id="going"
        ),
        pytest.param(claim(), [], "the claim c has no volume yet (storage class local)", (), False, id="nothing said"),
        pytest.param(
            claim(),
            [
                event("WaitForFirstConsumer", "waits", "2026-01-01T00:00:02Z"),
                event("ProvisioningFailed", "no devices", "2026-01-01T00:00:02Z"),
                event("FailedBinding", "of another", "2026-01-01T00:00:03Z", "other"),
            ],
            "the claim c has no volume yet (storage class local)",
            ("no devices",),
            True,
            id="the newest that was said of it",
        ),
    ],
)
def test_a_claim_without_a_volume(
    made: Object | None, events: list[Object], what: str, details: tuple[str, ...], advised: bool
) -> None:
    [found] = findings({"c": made}, events)
    assert (found.what, tuple(found.details), bool(found.advice)) == (what, details, advised)


def test_a_claim_that_has_its_volume_is_no_reason() -> None:
    bound = claim(annotations={"pv.kubernetes.io/bind-completed": "yes"})
    bound["spec"]["volumeName"] = "v"
    assert findings({"c": bound}, []) == []
