"""Image collection: the decision as tables, the pass with a fake store, and the Node's list."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.kubelet.images.fakes import FakeRecorder

from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images.gc import GCError, ImageCollector
from podwright.kubelet.images.gc_decision import (
    FileSystem,
    GCPolicy,
    KnownImage,
    bytes_to_free,
    in_order_of_removal,
    size_text,
    too_old,
)
from podwright.kubelet.images.node_images import NodeImages, status_images
from podwright.kubelet.images.pull_records import PullRecords


@pytest.mark.parametrize(
    ("available", "wanted"),
    [(160, 0), (151, 49), (150, 50), (0, 200)],
    ids=["below the threshold", "84.9 % counts as 85 %", "at the threshold", "full"],
)
def test_how_much_must_go(available: int, wanted: int) -> None:
    assert bytes_to_free(FileSystem(1000, available), GCPolicy()) == wanted


def test_the_least_recently_used_goes_first_and_what_is_in_use_or_pinned_stays() -> None:
    images = [
        KnownImage("recent", 1, 0, 9),
        KnownImage("old", 1, 5, 1),
        KnownImage("older", 1, 4, 1),
        KnownImage("used", 1, 0, 0, in_use=True),
        KnownImage("pinned", 1, 0, 0, pinned=True),
    ]
    assert [image.id for image in in_order_of_removal(images)] == ["older", "old", "recent"]


def test_age_counts_only_after_the_kubelet_was_up_as_long() -> None:
    policy = GCPolicy(maximum_age=1000)
    images = [KnownImage("a", 1, 0, 0), KnownImage("b", 1, 0, 1500)]
    assert list(too_old(images, policy, 1000, 0)) == []
    assert [image.id for image in too_old(images, policy, 2000, 0)] == ["a"]
    assert list(too_old(images, GCPolicy(), 10_000, 0)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"high_threshold_percent": 101},
        {"low_threshold_percent": -1},
        {"high_threshold_percent": 80, "low_threshold_percent": 80},
        {"maximum_age": 100.0},
    ],
)
def test_thresholds_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="invalid configuration"):
        GCPolicy(**fields)


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1536, "1.5 KiB"), (5 * 2**40, "5.0 TiB")])
def test_sizes_are_readable(size: int, text: str) -> None:
    assert size_text(size) == text


class Store:
    def __init__(self, **sizes: int) -> None:
        self.images = {name: pb.Image(id=name, size=size, repo_tags=[f"{name}:1"]) for name, size in sizes.items()}
        self.used: set[str] = set()
        self.capacity = 1000
        self.lists = 0

    async def list_images(self, *, image: str = "") -> pb.ListImagesResponse:
        self.lists += 1
        return pb.ListImagesResponse(images=self.images.values())

    async def remove_image(self, image: str, *, runtime_handler: str = "") -> pb.RemoveImageResponse:
        del self.images[f"{image} for {runtime_handler}" if runtime_handler else image]
        return pb.RemoveImageResponse()

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        raise NotImplementedError

    async def measure(self, _store: Any) -> FileSystem:
        return FileSystem(self.capacity, self.capacity - sum(image.size for image in self.images.values()))

    async def in_use(self) -> set[str]:
        return self.used


class World:
    def __init__(self, path: Path, store: Store, policy: GCPolicy | None = None, pinned: tuple[str, ...] = ()) -> None:
        self.clock = 1000.0
        self.pods: list[dict[str, Any]] = []
        self.recorder = FakeRecorder()
        self.records = PullRecords(path, now=lambda: datetime.datetime.now(datetime.UTC))
        self.collector = ImageCollector(
            store,
            store.in_use,
            self.records,
            self.recorder,
            node={"kind": "Node"},
            policy=policy or GCPolicy(),
            pods=lambda: self.pods,
            pinned=lambda: pinned,
            now=lambda: self.clock,
            measure=store.measure,
        )


async def test_a_pass_keeps_what_is_in_use_and_removes_the_oldest_until_there_is_room(tmp_path: Path) -> None:
    store = Store(used=300, first=200, second=200, third=200)
    store.used = {"used:1", "third"}
    world = World(tmp_path, store)
    await world.records.pulled("used:1", "used", None)
    await world.collector.collect()
    assert set(store.images) == {"used", "second", "third"}
    assert world.records.may_use_without_proof("used:1", "used")


async def test_an_image_that_was_pulled_for_a_runtime_handler_is_known_and_removed_as_such(tmp_path: Path) -> None:
    store = Store(both=300)
    spec = pb.ImageSpec(image="both", runtime_handler="kata")
    store.images["both for kata"] = pb.Image(id="both", size=300, spec=spec)
    await World(tmp_path, store).collector.prune()
    assert store.images == {}


def pod(name: str, *images: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"containers": [{"image": image} for image in images]},
    }


async def test_what_a_pod_needs_stays_and_the_pod_is_told_when_it_would_have_gone(tmp_path: Path) -> None:
    store = Store(a=300, b=300, c=300)
    for name, image in store.images.items():
        image.repo_tags[:] = [f"docker.io/library/{name}:1"]
    world = World(tmp_path, store)
    world.pods = [pod("first", "a:1"), pod("second", "b:1"), pod("third", "b:1", "other:1")]
    # c may go, which is enough: nobody need be told
    await world.collector.collect()
    assert set(store.images) == {"a", "b"}
    assert world.recorder.events == []
    store.capacity = 650
    with pytest.raises(GCError):
        await world.collector.collect()
    assert set(store.images) == {"a", "b"}
    assert [event[:3] for event in world.recorder.events] == [
        (
            "Warning",
            "ImageKept",
            "Image collection would have removed image docker.io/library/a:1 (300 B) to free disk space; "
            "it stays because this Pod uses it",
        )
    ]


async def test_a_new_image_is_left_alone_for_two_minutes(tmp_path: Path) -> None:
    store = Store()
    world = World(tmp_path, store)
    await world.collector.collect()
    store.images = Store(fresh=900).images
    with pytest.raises(GCError, match=r"\(90% of 1000 B used\).*\(freed 0 bytes\)"):
        await world.collector.collect()
    world.clock += 121
    await world.collector.collect()
    assert store.images == {}


async def test_prune_takes_everything_but_what_is_used_or_pinned(tmp_path: Path) -> None:
    store = Store(used=1, pinned=2, free=3)
    store.used = {"used"}
    assert await World(tmp_path, store, pinned=("pinned:1",)).collector.prune() == 3
    assert set(store.images) == {"used", "pinned"}


async def test_capacity_zero_is_an_error_of_its_own(tmp_path: Path) -> None:
    store = Store()
    store.capacity = 0
    with pytest.raises(GCError, match="invalid capacity 0 on image filesystem"):
        await World(tmp_path, store).collector.collect()


async def test_a_failing_pass_is_an_event_of_the_node_and_the_loop_goes_on(tmp_path: Path) -> None:
    store = Store(stuck=900)
    store.used = {"stuck"}
    world = World(tmp_path, store)
    task = asyncio.create_task(world.collector.run())
    while not world.recorder.events:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert world.recorder.reasons == ["FreeDiskSpaceFailed"]


async def test_nothing_runs_when_collection_is_switched_off(tmp_path: Path) -> None:
    store = Store()
    await World(tmp_path, store, GCPolicy(high_threshold_percent=100)).collector.run()
    assert store.lists == 0


def test_the_node_lists_the_largest_images_with_five_names_at_most() -> None:
    big = pb.Image(id="b", size=9, repo_tags=["t1", "t2"], repo_digests=["d1", "d2", "d3", "d4"])
    assert status_images([pb.Image(id="a", size=1), big], 1) == [
        {"names": ["d1", "d2", "d3", "d4", "t1"], "sizeBytes": 9}
    ]
    assert len(status_images([big] * 3, -1)) == 3


async def test_the_node_s_list_is_asked_for_every_half_minute_at_most() -> None:
    store, clock = Store(a=1), 0.0
    images = NodeImages(store, monotonic=lambda: clock)
    for moment in (0.0, 29.0, 30.0):
        clock = moment
        await images.list()
    assert store.lists == 2
