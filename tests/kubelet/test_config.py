"""What a change of a Pod in a source means."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.config import API, FILE, Op, PodConfig, PodUpdate, decide

Object = dict[str, Any]


def pod(uid: str = "u", version: str = "1", *, grace: int | None = None, image: str = "a", **meta: Any) -> Object:
    full: Object = {"uid": uid, "resourceVersion": version, **meta}
    if grace is not None:
        full |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace}
    return {"metadata": full, "spec": {"image": image}, "status": {}}


CASES: dict[str, tuple[Object | None, Object, Op | None]] = {
    "one never seen is added": (None, pod(), Op.ADD),
    "the same again is nothing": (pod(), pod(), None),
    "another spec is an update": (pod(), pod(version="2", image="b"), Op.UPDATE),
    "other labels are an update": (pod(), pod(version="2", labels={"a": "b"}), Op.UPDATE),
    "a deletion": (pod(), pod(version="2", grace=30), Op.DELETE),
    "a deletion with less grace is another": (pod(grace=30), pod(version="2", grace=1), Op.DELETE),
    "a deletion already known is nothing more": (pod(grace=30), pod(version="2", grace=30), Op.RECONCILE),
    "another version of the same is reconciled": (pod(), pod(version="2"), Op.RECONCILE),
}


@pytest.mark.parametrize(("old", "new", "op"), CASES.values(), ids=CASES.keys())
def test_decision(old: Object | None, new: Object, op: Op | None) -> None:
    assert decide(old, new) is op


@pytest.fixture
def told() -> list[PodUpdate]:
    return []


@pytest.fixture
def config(told: list[PodUpdate]) -> PodConfig:
    return PodConfig([API, FILE], told.append)


def test_what_goes_is_told_before_what_comes(config: PodConfig, told: list[PodUpdate]) -> None:
    config.replace(FILE, [pod("old")])
    config.replace(FILE, [pod("new")])
    assert [(u.op, u.pod["metadata"]["uid"]) for u in told] == [(Op.ADD, "old"), (Op.REMOVE, "old"), (Op.ADD, "new")]


def test_it_is_complete_when_every_source_has_spoken(config: PodConfig) -> None:
    config.replace(FILE, [])
    assert not config.complete
    config.said_all(API)
    assert config.complete


def test_an_informer_can_be_followed(config: PodConfig, told: list[PodUpdate]) -> None:
    config.follow_api(None, pod())
    config.follow_api(pod(), pod(version="2", grace=0))
    config.follow_api(pod(version="3", grace=0), None)
    assert [(u.op, u.source) for u in told] == [(Op.ADD, API), (Op.DELETE, API), (Op.REMOVE, API)]


def test_one_that_was_never_there_is_not_withdrawn(config: PodConfig, told: list[PodUpdate]) -> None:
    config.withdraw(API, pod())
    assert told == []
