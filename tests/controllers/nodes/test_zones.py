"""How disturbed zones are, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from podwright.api.objects import Object
from podwright.controllers.nodes.pace import NEVER, SETTLING_SECONDS, Pace
from podwright.controllers.nodes.zones import Disruption, ZoneState, disruption, state_of, zone_of

NO_ZONE = ("", "")
A, B = ("", "a"), ("", "b")
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


@pytest.mark.parametrize(
    ("ready", "unready", "state"),
    [
        pytest.param(1, 0, ZoneState.NORMAL, id="one node, ready"),
        pytest.param(0, 1, ZoneState.FULL_DISRUPTION, id="one node, not ready"),
        pytest.param(0, 0, ZoneState.NORMAL, id="no node"),
        pytest.param(1, 2, ZoneState.NORMAL, id="two of three are too few to tell"),
        pytest.param(1, 3, ZoneState.PARTIAL_DISRUPTION, id="three of four"),
        pytest.param(3, 3, ZoneState.NORMAL, id="a half"),
        pytest.param(9, 11, ZoneState.PARTIAL_DISRUPTION, id="55 %"),
        pytest.param(10, 12, ZoneState.NORMAL, id="54.5 %"),
        pytest.param(0, 40, ZoneState.FULL_DISRUPTION, id="none of many"),
    ],
)
def test_state(ready: int, unready: int, state: ZoneState) -> None:
    assert state_of(ready, unready) is state


def nodes(zone: str, ready: int, unready: int, **labels: str) -> list[Object]:
    def node(status: str) -> Object:
        return {
            "metadata": {"name": "n", "labels": {**({ZONE: zone} if zone else {}), **labels}},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        }

    return [node("True")] * ready + [node("Unknown")] * unready


EXCLUDED = {"node.kubernetes.io/exclude-disruption": ""}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param([], Disruption(), id="no nodes"),
        pytest.param(nodes("", 0, 1), Disruption({NO_ZONE: 0.0}, everywhere=True), id="a node alone, not ready"),
        pytest.param(nodes("", 1, 1), Disruption({NO_ZONE: 0.1}), id="another one is ready"),
        pytest.param(
            nodes("a", 0, 5) + nodes("b", 1, 1), Disruption({A: 0.1, B: 0.1}), id="one zone is gone, the other is not"
        ),
        pytest.param(
            nodes("a", 0, 5) + nodes("b", 0, 1), Disruption({A: 0.0, B: 0.0}, everywhere=True), id="both are gone"
        ),
        pytest.param(nodes("a", 20, 30), Disruption({A: 0.0}), id="a zone of fifty, most of it gone"),
        pytest.param(nodes("a", 20, 31), Disruption({A: 0.01}), id="a larger one"),
        pytest.param(
            nodes("a", 0, 1) + nodes("a", 1, 0, **EXCLUDED),
            Disruption({A: 0.0}, everywhere=True),
            id="a node that is excluded does not count",
        ),
        pytest.param(nodes("a", 0, 1, **EXCLUDED), Disruption(), id="only nodes that are excluded"),
    ],
)
def test_disruption(found: list[Object], wanted: Disruption) -> None:
    assert disruption(found) == wanted


@pytest.mark.parametrize(
    ("labels", "zone"),
    [
        pytest.param({}, NO_ZONE, id="no labels"),
        pytest.param({ZONE: "z", REGION: "r"}, ("r", "z"), id="both"),
        pytest.param(
            {"failure-domain.beta.kubernetes.io/zone": "z", "failure-domain.beta.kubernetes.io/region": "r"},
            ("r", "z"),
            id="as they were once called",
        ),
    ],
)
def test_zone_of(labels: Mapping[str, str], zone: tuple[str, str]) -> None:
    assert zone_of({"metadata": {"labels": dict(labels)}}) == zone


SETTLED = SETTLING_SECONDS


def test_nodes_have_their_turn_one_after_another() -> None:
    pace = Pace()
    assert pace.look(Disruption({A: 0.1, B: 0.1}), 0.0)
    assert not pace.look(Disruption({A: 0.1, B: 0.1}), 0.0), "that is no news"
    assert [pace.wait(name, A, 0.0) for name in ("first", "second")] == [SETTLED, SETTLED]
    assert pace.wait("first", A, SETTLED) == 0.0
    assert pace.wait("first", A, SETTLED + 1) == 0.0, "a write that failed does not wait again"
    assert pace.wait("second", A, SETTLED) == 10.0
    pace.wait("elsewhere", B, 0.0)
    assert pace.wait("elsewhere", B, SETTLED) == 0.0, "each zone has its own turns"
    assert pace.wait("second", A, SETTLED + 10) == 0.0


def test_a_node_that_was_well_settles_anew() -> None:
    pace = Pace()
    pace.wait("n", A, 0.0)
    assert pace.wait("n", A, SETTLED) == 0.0
    pace.well("n")
    assert pace.wait("n", A, SETTLED + 10) == SETTLED


def test_no_turns_while_a_zone_is_partly_gone() -> None:
    pace = Pace()
    pace.wait("n", A, 0.0)
    pace.look(Disruption({A: 0.0}), 1.0)
    assert pace.wait("n", A, 100.0) == NEVER
    pace.look(Disruption({A: 0.1}), 100.0)
    assert pace.wait("n", A, 100.0) == 10.0, "as if there had just been one"


def test_when_everything_was_gone_all_wait_again() -> None:
    pace = Pace()
    pace.wait("n", A, 0.0)
    assert pace.wait("n", A, SETTLED) == 0.0
    pace.look(Disruption({A: 0.0}, everywhere=True), 10.0)
    assert pace.wait("n", A, 10.0) == NEVER
    pace.look(Disruption({A: 0.1}), 20.0)
    assert pace.wait("n", A, 20.0) == 10.0


def test_a_slower_zone_keeps_a_turn_that_nobody_took() -> None:
    pace = Pace()
    pace.look(Disruption({A: 0.1}), 0.0)
    pace.look(Disruption({A: 0.01}), 50.0)
    pace.wait("n", A, 50.0)
    pace.wait("m", A, 50.0)
    assert pace.wait("n", A, 50.0 + SETTLED) == 0.0
    assert pace.wait("m", A, 50.0 + SETTLED) == 100.0
