"""Which pulls are told, and how."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.cli.pulls import Rate, being_pulled, told
from podwright.kubelet.images.pull_progress import Layer, PullProgress

POD = {
    "spec": {
        "initContainers": [{"name": "first", "image": "init:1"}],
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "files", "image": {"reference": "files:1"}}],
        "containers": [{"name": "main", "image": "app:1"}, {"name": "second", "image": "app:1"}],
    }
}


def event(reason: str, container: str, version: int, kind: str = "containers", second: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": str(version)},
        "reason": reason,
        "lastTimestamp": f"2026-01-01T00:00:0{second}Z",
        "involvedObject": {"fieldPath": f"spec.{kind}{{{container}}}"},
    }


def about_volume(reason: str, message: str, version: int) -> dict[str, Any]:
    return {**event(reason, "", version), "involvedObject": {}, "message": message}


@pytest.mark.parametrize(
    ("events", "images"),
    [
        pytest.param([], [], id="nothing was said"),
        pytest.param([event("Pulling", "main", 9)], ["app:1"], id="it began"),
        pytest.param([event("Pulled", "main", 10), event("Pulling", "main", 9)], [], id="and ended in that second"),
        pytest.param([event("Pulling", "main", 9), event("Failed", "main", 10)], [], id="or failed"),
        pytest.param(
            [event("Pulling", "main", 12, second=3), event("Failed", "main", 13, second=2)], ["app:1"],
            id="it was tried again: events are counted up, times decide",
        ),
        pytest.param(
            [event("Pulling", "first", 9, "initContainers"), event("Created", "first", 10, "initContainers")],
            ["init:1"],
            id="other events say nothing about it",
        ),
        pytest.param([event("Pulling", "main", 9), event("Pulling", "second", 10)], ["app:1"], id="one image once"),
        pytest.param(
            [about_volume("Pulling", 'Pulling image "files:1"', 9), about_volume("Failed", "Error: ErrImagePull", 8)],
            ["files:1"],
            id="a volume's image",
        ),
        pytest.param(
            [
                about_volume("Pulling", 'Pulling image "files:1"', 9),
                about_volume("Pulled", 'Successfully pulled image "files:1" in 1s', 10),
            ],
            [],
            id="a volume's image that is here",
        ),
    ],
)  # fmt: skip
def test_what_is_being_pulled(events: list[dict[str, Any]], images: list[str]) -> None:
    assert being_pulled(POD, events) == images


def test_a_line_says_bytes_layers_and_rate() -> None:
    progress = PullProgress([Layer("a", 1_000_000, 1_000_000), Layer("b", 500_000, 3_000_000)])
    assert told("x:1", progress, 250_000.0) == "pulling x:1: 1.5MB of 4MB, 1 of 2 layers, 250kB/s"
    assert told("x:1", progress, None) == "pulling x:1: 1.5MB of 4MB, 1 of 2 layers"
    guessed = PullProgress([Layer("", 1_000_000, 4_000_000)], exact=False)
    assert told("x:1", guessed, 500_000.0) == "pulling x:1: about 1MB of 4MB, 500kB/s"
    assert "no layer is on its way" in told("x:1", None, None)


def test_a_rate_is_that_since_the_last_look() -> None:
    rate = Rate()
    assert rate.seen(10.0, 100) is None
    assert rate.seen(12.0, 500) == 200
    assert rate.seen(13.0, 100) is None, "another attempt began"
    assert rate.seen(14.0, 150) == 50
