"""What a static Pod and its mirror call for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.client import FakeClient

from podwright.kubelet.mirror_pods import Action, MirrorPods, decide, mirror_of

Object = dict[str, Any]


def static(content: str = "1") -> Object:
    annotations = {"kubernetes.io/config.hash": content, "kubernetes.io/config.source": "file"}
    return {
        "metadata": {"name": "p", "namespace": "d", "uid": content, "annotations": annotations},
        "spec": {},
        "status": {"phase": "Pending"},
    }


def mirror(content: str = "1", *, deleted: bool = False) -> Object:
    made = mirror_of(static(content), "n", "node-uid")
    made["metadata"]["uid"] = "m"
    if deleted:
        made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return made


CASES: dict[str, tuple[Object | None, Object | None, Action]] = {
    "a static Pod without a mirror gets one": (static(), None, Action.CREATE),
    "a current mirror is left alone": (static(), mirror(), Action.NONE),
    "a mirror of an older manifest goes": (static("2"), mirror("1"), Action.DELETE),
    "a mirror that somebody deletes goes, to be made again": (static(), mirror(deleted=True), Action.DELETE),
    "a mirror without a static Pod goes": (None, mirror(), Action.DELETE),
    "nothing and nothing is nothing": (None, None, Action.NONE),
}


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        pytest.param(None, mirror(), id="a removed manifest"),
        pytest.param(static("2"), mirror("1"), id="a changed manifest"),
        pytest.param(static("2"), None, id="a changed manifest whose old mirror somebody deleted"),
    ],
)
def test_a_mirror_goes_when_the_containers_it_shows_have_ended(own: Object | None, shown: Object | None) -> None:
    assert decide(own, shown, ending=True) is Action.NONE
    assert decide(own, shown) is not Action.NONE


@pytest.mark.parametrize(("own", "shown", "action"), CASES.values(), ids=CASES.keys())
def test_decision(own: Object | None, shown: Object | None, action: Action) -> None:
    assert decide(own, shown) is action


def test_a_mirror_belongs_to_the_node_and_has_no_uid_of_its_own() -> None:
    made = mirror_of(static(), "n", "node-uid")
    assert made["metadata"]["annotations"]["kubernetes.io/config.mirror"] == "1"
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "node-uid", "controller": True}
    ]
    assert "uid" not in made["metadata"]
    assert "status" not in made


def test_a_current_mirror_names_the_static_pod_it_shows() -> None:
    mirrors = MirrorPods(FakeClient(), "n", lambda: "node-uid", lambda key: False)
    assert mirrors.mirror_changed(mirror(), gone=False) is None
    mirrors.static_changed(static(), gone=False)
    assert mirrors.current(static()) is not None
    assert mirrors.mirror_changed(mirror(), gone=False) == "1"
    assert mirrors.mirror_changed(mirror(), gone=True) is None
