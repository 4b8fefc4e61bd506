"""What comes next for a StatefulSet's Pods."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controllers.objects import NOW, names, pod

from podwright.api.objects import Object
from podwright.controllers.revisions import REVISION_LABEL
from podwright.controllers.stateful_set.claims import changed_references, is_stale, wanted_claims
from podwright.controllers.stateful_set.decision import Plan, decide, of_old_revision
from podwright.controllers.stateful_set.identity import identity_labels, new_pod, ordinal_of
from podwright.controllers.stateful_set.status import status


def owner(replicas: int = 3, *, going: bool = False, **spec: Any) -> Object:
    meta = {"name": "db", "namespace": "ns", "uid": "set", "generation": 4}
    if going:
        meta["deletionTimestamp"] = "now"
    rolling = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
    return {"metadata": meta, "spec": {"replicas": replicas, "podManagementPolicy": "OrderedReady", **rolling, **spec}}


def replica(ordinal: int, revision: str = "new", **fields: Any) -> Object:
    name = f"db-{ordinal}"
    return pod(name, labels={**identity_labels(name, ordinal), REVISION_LABEL: revision}, **fields)


def rolling(partition: int = 0, **fields: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition, **fields}}}


PARALLEL = {"podManagementPolicy": "Parallel"}


@pytest.mark.parametrize(
    ("given", "pods", "create", "delete"),
    [
        pytest.param(owner(), [], [0], [], id="the first comes first"),
        pytest.param(owner(), [replica(0)], [1], [], id="then the next"),
        pytest.param(owner(), [replica(0, ready=None)], [], [], id="not before the first is ready"),
        pytest.param(owner(), [replica(0, phase="Pending", ready=None)], [], [], id="not before it runs"),
        pytest.param(owner(), [replica(0, going=True)], [], [], id="not while the first goes"),
        pytest.param(owner(minReadySeconds=200), [replica(0)], [], [], id="not before it is available"),
        pytest.param(owner(), [replica(0), replica(2)], [1], [], id="a gap is filled"),
        pytest.param(owner(), [replica(0, phase="Failed")], [], ["db-0"], id="one that failed is replaced"),
        pytest.param(owner(), [replica(0, phase="Succeeded", going=True)], [], [], id="once it is gone"),
        pytest.param(owner(**PARALLEL), [], [0, 1, 2], [], id="in parallel all at once"),
        pytest.param(
            owner(**PARALLEL), [replica(0, ready=None), replica(1, phase="Failed")], [2], ["db-1"],
            id="in parallel nobody waits",
        ),
        pytest.param(owner(2, ordinals={"start": 5}), [], [5], [], id="ordinals may begin elsewhere"),
        pytest.param(owner(1), [replica(i) for i in range(3)], [], ["db-2"], id="the highest goes first"),
        pytest.param(
            owner(1), [replica(0), replica(1), replica(2, going=True)], [], [], id="the next when it is gone"
        ),
        pytest.param(
            owner(1), [replica(0, ready=None), replica(1), replica(2)], [], [], id="not while a lower one is unwell"
        ),
        pytest.param(
            owner(1), [replica(0), replica(1), replica(2, ready=None)], [], ["db-2"],
            id="the only one that is unwell may go",
        ),
        pytest.param(
            owner(1), [replica(0), replica(1, ready=None), replica(2, ready=None)], [], [],
            id="a higher one that is unwell waits for the lower one",
        ),
        pytest.param(
            owner(1, **PARALLEL), [replica(i) for i in range(4)], [], ["db-3", "db-2", "db-1"],
            id="in parallel all that are too many",
        ),
        pytest.param(
            owner(2, ordinals={"start": 1}), [replica(0), replica(1), replica(2)], [], ["db-0"],
            id="one below the first is too many",
        ),
        pytest.param(owner(going=True), [], [], [], id="who goes does nothing"),
        pytest.param(owner(), [replica(i) for i in range(3)], [], [], id="all is well"),
        pytest.param(owner(), [replica(i, "old") for i in range(3)], [], ["db-2"], id="an update begins at the end"),
        pytest.param(
            owner(), [replica(0, "old"), replica(1, "old"), replica(2)], [], ["db-1"], id="and goes down"
        ),
        pytest.param(
            owner(**PARALLEL), [replica(0, "old"), replica(1, "old"), replica(2, ready=None)], [], [],
            id="when the last one is ready",
        ),
        pytest.param(
            owner(**rolling(2)), [replica(i, "old") for i in range(3)], [], ["db-2"], id="as far as the partition"
        ),
        pytest.param(
            owner(**rolling(2)), [replica(0, "old"), replica(1, "old"), replica(2)], [], [], id="and no further"
        ),
        pytest.param(
            owner(**rolling(maxUnavailable=2)), [replica(i, "old") for i in range(3)], [], ["db-2", "db-1"],
            id="two at once where two may be unavailable",
        ),
        pytest.param(
            owner(**PARALLEL, **rolling(maxUnavailable="70%")),
            [replica(0, "old"), replica(1, "old"), replica(2, going=True)], [], ["db-1", "db-0"],
            id="a share is rounded up",
        ),
        pytest.param(
            owner(**PARALLEL), [replica(0, "old", ready=None), replica(1), replica(2)], [], ["db-0"],
            id="one that is unwell is updated too",
        ),
        pytest.param(
            owner(updateStrategy={"type": "OnDelete"}), [replica(i, "old") for i in range(3)], [], [],
            id="OnDelete waits for somebody",
        ),
    ],
)  # fmt: skip
def test_decide(given: Object, pods: list[Object], create: list[int], delete: list[str]) -> None:
    plan: Plan = decide(given, pods, "new", NOW)
    assert (plan.create, names(plan.delete)) == (create, delete)


def test_a_pod_that_is_not_available_yet_is_looked_at_again() -> None:
    assert decide(owner(minReadySeconds=130), [replica(0)], "new", NOW).look_again == 30


def test_a_pod_that_lost_its_labels_gets_them_back() -> None:
    bare = pod("db-0", labels={REVISION_LABEL: "new"})
    assert names(decide(owner(1), [bare], "new", NOW).relabel) == ["db-0"]


@pytest.mark.parametrize(
    ("given", "ordinal", "old"),
    [
        (owner(), 0, False),
        (owner(**rolling(2)), 1, True),
        (owner(**rolling(2)), 2, False),
        (owner(**rolling(2), ordinals={"start": 5}), 6, True),
        (owner(updateStrategy={"type": "OnDelete"}), 0, False),
    ],
    ids=["no partition", "below it", "at it", "counted from the first ordinal", "OnDelete"],
)
def test_of_which_revision_a_new_pod_is(given: Object, ordinal: int, old: bool) -> None:
    assert of_old_revision(given, ordinal) is old


@pytest.mark.parametrize(
    ("name", "ordinal"),
    [("db-0", 0), ("db-12", 12), ("db-01", None), ("db", None), ("db-x", None), ("other-1", None), ("db-1-2", None)],
)
def test_an_ordinal_is_read_from_a_name(name: str, ordinal: int | None) -> None:
    assert ordinal_of(owner(), pod(name)) == ordinal


CLAIM = {"metadata": {"name": "data", "labels": {"tier": "x"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def test_a_pod_mounts_its_own_claim_in_place_of_the_template_s_volume() -> None:
    given = owner(volumeClaimTemplates=[CLAIM], serviceName="db")
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"volumes": [{"name": "data", "emptyDir": {}}, {"name": "other", "emptyDir": {}}]},
    }
    made = new_pod(given, template, "rev", 3)
    assert made["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-3"}},
        {"name": "other", "emptyDir": {}},
    ]
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("db-3", "db")
    assert made["metadata"]["labels"] == {"a": "b", **identity_labels("db-3", 3), REVISION_LABEL: "rev"}


def retained(deleted: str, scaled: str) -> Object:
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    return owner(volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)


@pytest.mark.parametrize(
    ("deleted", "scaled", "stays", "condemned"),
    [
        ("Retain", "Retain", [], []),
        ("Delete", "Retain", ["set"], ["set"]),
        ("Retain", "Delete", [], ["db-0"]),
        ("Delete", "Delete", ["set"], ["db-0"]),
    ],
)
def test_whom_a_claim_goes_with(deleted: str, scaled: str, stays: list[str], condemned: list[str]) -> None:
    given, one = retained(deleted, scaled), replica(0)
    (claim,) = wanted_claims(given, "db-0")
    assert claim["metadata"]["name"] == "data-db-0"
    assert [r["uid"] for r in claim["metadata"].get("ownerReferences") or []] == (
        ["set"] if deleted == "Delete" else []
    )
    other = {"kind": "Other", "uid": "other"}
    for is_condemned, wanted in ((False, stays), (True, condemned)):
        claim["metadata"]["ownerReferences"] = [other, {"uid": "set"}, {"uid": "db-0"}]
        references = changed_references(claim, given, one, condemned=is_condemned)
        assert references is not None and [r["uid"] for r in references] == ["other", *wanted]
        assert all(r["controller"] and r["blockOwnerDeletion"] for r in references[1:])
        claim["metadata"]["ownerReferences"] = references
        assert changed_references(claim, given, one, condemned=is_condemned) is None


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        pytest.param([{"kind": "Other", "uid": "o", "controller": True}], None, id="somebody else controls it"),
        pytest.param(
            [{"kind": "Other", "uid": "o", "controller": True}, {"kind": "StatefulSet", "uid": "set"}],
            ["o"],
            id="somebody else controls it, and the set owns it",
        ),
        pytest.param([{"kind": "Pod", "name": "db-0", "uid": "before"}], None, id="it goes with an earlier Pod"),
        pytest.param([{"kind": "StatefulSet", "name": "db", "uid": "before"}], None, id="it goes with an earlier set"),
    ],
)
def test_a_claim_that_is_left_to_others(present: list[Object], wanted: list[str] | None) -> None:
    claim = {"metadata": {"ownerReferences": present}}
    references = changed_references(claim, retained("Delete", "Delete"), replica(0), condemned=False)
    assert (references and [r["uid"] for r in references]) == wanted


def test_a_claim_that_goes_with_an_earlier_pod_is_not_used() -> None:
    claim = {"metadata": {"ownerReferences": [{"kind": "Pod", "name": "db-0", "uid": "before"}]}}
    assert is_stale(claim, "db-0") and not is_stale(claim, "db-1")
    assert not is_stale(claim, "db-0", "before")


def test_status_while_an_update_goes_on_and_after_it() -> None:
    pods = [replica(0, "old"), replica(1, "old", ready=None), replica(2), replica(3, going=True)]
    made = status(owner(), pods, NOW, current="old", update="new", collisions=0)
    assert made == {
        "observedGeneration": 4,
        "replicas": 4,
        "readyReplicas": 3,
        "currentReplicas": 2,
        "updatedReplicas": 1,
        "currentRevision": "old",
        "updateRevision": "new",
        "collisionCount": 0,
        "availableReplicas": 3,
    }
    done = status(owner(), [replica(i) for i in range(3)], NOW, current="old", update="new", collisions=0)
    assert (done["currentRevision"], done["currentReplicas"]) == ("new", 3)
