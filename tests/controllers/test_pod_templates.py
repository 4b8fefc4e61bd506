"""Templates: what makes two the same, and the hash that stands for one."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.controllers.pod_control import all_at_once, slowly
from podwright.controllers.pod_templates import pod_from, same_template, template_hash
from podwright.controllers.shares import share_of


def template(labels: Any = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": labels or {"a": "b"}}, "spec": {"containers": [{"name": "c"}], **spec}}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(template(), template(), True, id="equal"),
        pytest.param(template(), template({"a": "b", "pod-template-hash": "x"}), True, id="the hash label aside"),
        pytest.param(template(), template({"a": "c"}), False, id="other labels"),
        pytest.param(template(), template(hostname=None, volumes=[]), True, id="nothing in another way"),
        pytest.param(
            template(), {**template(), "metadata": {"labels": {"a": "b"}, "creationTimestamp": None}}, True,
            id="a template was never created",
        ),
        pytest.param(template(volumes=[{"emptyDir": {}}]), template(volumes=[{}]), False, id="an empty choice is one"),
    ],
)  # fmt: skip
def test_same(one: Any, other: Any, same: bool) -> None:
    assert same_template(one, other) is same
    assert (template_hash(one) == template_hash(other)) is same


def test_a_collision_gives_another_hash() -> None:
    assert len({template_hash(template(), n) for n in (None, 1, 2)}) == 3
    assert template_hash(template(), 0) == template_hash(template())


def test_a_pod_has_what_its_template_says_and_shares_nothing_with_it() -> None:
    made_of = template(hostname="h")
    made_of["metadata"]["annotations"] = {"x": "y"}
    made_of["metadata"]["name"] = "ignored"
    made = pod_from(made_of, {"uid": "u", "controller": True}, "ns")
    assert made["metadata"] == {
        "namespace": "ns",
        "ownerReferences": [{"uid": "u", "controller": True}],
        "labels": {"a": "b"},
        "annotations": {"x": "y"},
    }
    made["spec"]["containers"][0]["name"] = "d"
    assert made_of["spec"]["containers"][0]["name"] == "c"


@pytest.mark.parametrize(
    ("value", "total", "up", "number"),
    [(3, 10, True, 3), ("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 10, True, 0), (None, 10, True, 0),
     ("100%", 7, False, 7), ("x", 10, True, 0)],
)  # fmt: skip
def test_a_share(value: Any, total: int, up: bool, number: int) -> None:
    assert share_of(value, total, up=up) == number


async def test_many_start_slowly_and_stop_when_one_is_refused() -> None:
    tried: list[int] = []

    def work(number: int) -> Any:
        async def carried_out() -> None:
            tried.append(number)
            if number == 4:
                raise OSError("no more")

        return carried_out

    outcome = await slowly([work(n) for n in range(20)])
    assert tried == list(range(7))
    assert (outcome.done, str(outcome.error)) == (6, "no more")
    assert await slowly([]) == await all_at_once([])


async def test_a_fault_of_the_program_is_no_outcome() -> None:
    async def wrong() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await all_at_once([wrong])
