"""Which Pods go first."""

from __future__ import annotations

import pytest
from tests.controllers.objects import NOW, names, pod

from podwright.api.objects import Object
from podwright.controllers.pod_order import COST, first_to_go


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        pytest.param(pod("b", "Pending", node=""), pod("a", "Pending"), id="not bound before bound"),
        pytest.param(pod("b", "Pending"), pod("a", "Unknown"), id="pending before unknown"),
        pytest.param(pod("b", "Unknown"), pod("a"), id="unknown before running"),
        pytest.param(pod("b", ready=None), pod("a"), id="not ready before ready"),
        pytest.param(pod("b"), pod("a", annotations={COST: "5"}), id="the lower cost first"),
        pytest.param(pod("b", annotations={COST: "-5"}), pod("a", annotations={COST: "x"}), id="a bad cost is 0"),
        pytest.param(pod("b", ready=10), pod("a", ready=1000), id="ready for a shorter time"),
        pytest.param(pod("a", ready=600), pod("b", ready=700), id="about the same time: by uid"),
        pytest.param(pod("b", restarts=3), pod("a", restarts=1), id="restarted more often"),
        pytest.param(pod("b", created=10), pod("a", created=10000), id="created later"),
    ],
)
def test_of_two(goes: Object, stays: Object) -> None:
    for pair in ([goes, stays], [stays, goes]):
        assert names(first_to_go(pair, pair, 1, NOW)) == names([goes])


def test_the_node_with_more_pods_of_the_same_owners_gives_one() -> None:
    mine = [pod("a", node="x"), pod("b", node="y")]
    others = [pod("c", node="y"), pod("d", node="y", going=True), pod("e", "Failed", node="x")]
    assert names(first_to_go(mine, [*mine, *others], 1, NOW)) == ["b"]


def test_all_go_in_no_order() -> None:
    assert names(first_to_go([pod("b"), pod("a")], [], 2, NOW)) == ["b", "a"]
