"""Pulls at once, shared, throttled, cancelled, with one credential after the other."""

from __future__ import annotations

import asyncio

import pytest
from tests.kubelet.images.fakes import FakeImages, failing

from podwright.cri.errors import CriError
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.images.puller import Puller, PullError, PullLimits

UNLIMITED = PullLimits(serialize_image_pulls=False, registry_pull_qps=0)


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (PullLimits(registry_pull_qps=0), 1),
        (PullLimits(serialize_image_pulls=False, max_parallel_image_pulls=2, registry_pull_qps=0), 2),
        (UNLIMITED, 6),
    ],
    ids=["serial: one", "at most two", "no limit"],
)
async def test_how_many_pulls_run_at_once(limits: PullLimits, most: int) -> None:
    images = FakeImages()
    puller = Puller(images, limits)
    await asyncio.gather(*(puller.pull(f"i{number}", []) for number in range(6)))
    assert images.most_at_once == most


@pytest.mark.parametrize(
    ("serial", "most", "text"),
    [(True, 2, "cannot be larger than 1"), (False, 0, "must be a positive number")],
)
def test_limits_that_exclude_each_other_are_refused(serial: bool, most: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        PullLimits(serialize_image_pulls=serial, max_parallel_image_pulls=most)


async def test_one_image_with_the_same_credentials_is_pulled_once() -> None:
    images = FakeImages()
    puller = Puller(images, UNLIMITED)
    user = Credential("u", "p")
    results = await asyncio.gather(*(puller.pull("i", [user]) for _ in range(5)))
    assert images.pulls == [("i", "u")]
    assert {result.image_ref for result in results} == {"sha256:i"}
    await asyncio.gather(puller.pull("i", [user]), puller.pull("i", [Credential("v", "p")]))
    assert len(images.pulls) == 3


async def test_a_pull_is_cancelled_only_when_nobody_waits_any_more() -> None:
    images, hanging, cancelled = FakeImages(), asyncio.Event(), asyncio.Event()

    async def hang(_image: str, _user: str) -> None:
        hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    images.on_pull = hang
    puller = Puller(images, UNLIMITED)
    first, second = asyncio.create_task(puller.pull("i", [])), asyncio.create_task(puller.pull("i", []))
    await hanging.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert not cancelled.is_set()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert cancelled.is_set()
    assert puller.running == 0
    images.on_pull = None
    assert (await puller.pull("i", [])).image_ref == "sha256:i"


async def test_close_ends_everything() -> None:
    images, hanging = FakeImages(), asyncio.Event()

    async def hang(_image: str, _user: str) -> None:
        hanging.set()
        await asyncio.Event().wait()

    images.on_pull = hang
    puller = Puller(images, UNLIMITED)
    waiting = asyncio.create_task(puller.pull("i", []))
    await hanging.wait()
    await puller.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_credentials_are_tried_in_turn_until_one_works() -> None:
    images = FakeImages()

    async def only_second(_image: str, user: str) -> None:
        if user != "second":
            raise CriError("Unknown", "401 Unauthorized")

    images.on_pull = only_second
    users = [Credential("first", "p"), Credential("second", "p"), Credential("third", "p")]
    pulled = await Puller(images, UNLIMITED).pull("i", users)
    assert pulled.credential is users[1]
    assert [user for _, user in images.pulls] == ["first", "second"]


async def test_when_none_is_accepted_one_attempt_is_made_without() -> None:
    images = FakeImages()
    images.on_pull = failing("401 Unauthorized", "403 Forbidden", "401 Unauthorized")
    users = [
        Credential("a", "CANARY", source=Source("secret n/s")),
        Credential("b", "CANARY"),
        Credential("a", "CANARY"),
    ]
    with pytest.raises(PullError) as caught:
        await Puller(images, UNLIMITED).pull("i", users)
    assert [user for _, user in images.pulls] == ["a", "b", ""]
    assert str(caught.value) == "[401 Unauthorized, 403 Forbidden]"
    assert caught.value.tried.startswith("credentials tried: secret n/s as a,")
    assert "CANARY" not in caught.value.tried


async def test_no_other_credential_is_tried_when_the_registry_is_not_there() -> None:
    images = FakeImages()
    images.on_pull = failing("dial tcp: connect: connection refused")
    with pytest.raises(PullError):
        await Puller(images, UNLIMITED).pull("i", [Credential("a", "p"), Credential("b", "p")])
    assert len(images.pulls) == 1


async def test_beyond_the_burst_pulls_wait_and_do_not_fail() -> None:
    images = FakeImages()
    puller = Puller(images, PullLimits(serialize_image_pulls=False, registry_pull_qps=200, registry_burst=1))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(puller.pull(f"i{number}", []) for number in range(5)))
    assert len(images.pulls) == 5
    assert loop.time() - began >= 0.019


class Leftovers:
    def __init__(self) -> None:
        self.discarded: list[tuple[str, str]] = []

    async def discard(self, image: str, text: str) -> None:
        self.discarded.append((image, text))


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        pytest.param("failed commit: unexpected commit digest sha256:x", True, id="a spoilt blob is not kept"),
        pytest.param("write x: no space left on device", True, id="nor one that fills the disk"),
        pytest.param("unexpected EOF", False, id="one that broke off is: the next attempt goes on with it"),
    ],
)
async def test_what_would_spoil_the_next_pull_is_thrown_away(text: str, gone: bool) -> None:
    images, leftovers = FakeImages(), Leftovers()
    images.on_pull = failing(text)
    with pytest.raises(PullError):
        await Puller(images, PullLimits(), leftovers).pull("x:1", [])
    assert leftovers.discarded == ([("x:1", text)] if gone else [])
