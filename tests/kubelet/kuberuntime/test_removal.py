from __future__ import annotations

from pathlib import Path

import pytest
from tests.kubelet.kuberuntime.pods import container, pod
from tests.kubelet.kuberuntime.rig import Rig

from podwright.cri.errors import CriError, DeadlineExceeded, NotFound, Unimplemented
from podwright.kubelet.kuberuntime import removal
from podwright.kubelet.kuberuntime.removal import Hindrance, hindrance

STARTING = CriError(
    "Unknown", 'failed to set removing state for container "c": container is in starting state, can\'t be removed'
)
LEFT_TASK = CriError(
    "FailedPrecondition", 'failed to delete containerd container "c": cannot delete running task c: failed precondition'
)
OTHER = CriError("Unknown", "the disk is gone")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(STARTING, Hindrance.STARTING, id="starting"),
        pytest.param(LEFT_TASK, Hindrance.LEFT_TASK, id="a process that nobody knows"),
        pytest.param(OTHER, Hindrance.OTHER, id="anything else"),
        pytest.param(CriError("Unavailable", "no answer"), Hindrance.OTHER, id="no answer"),
    ],
)
def test_what_a_refusal_means(error: CriError, expected: Hindrance) -> None:
    assert hindrance(error) is expected


@pytest.fixture
async def rig(tmp_path: Path) -> Rig:
    """With a Pod whose sandbox is stopped."""
    made = Rig(tmp_path)
    obj = pod(container("a"))
    await made.sync(obj)
    await made.runtime.kill_pod(obj, await made.status(), 0)
    return made


async def remove(rig: Rig) -> None:
    await rig.runtime.remove_pod(await rig.status())


async def test_a_start_that_is_being_undone_is_waited_for(rig: Rig) -> None:
    for _ in range(3):
        rig.cri.fail_next("RemoveContainer", STARTING)
    await remove(rig)
    assert not rig.cri.containers and rig.tasks.ended == []


async def test_but_not_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "STARTING_LIMIT", -1.0)
    rig.cri.fail_next("RemoveContainer", STARTING)
    with pytest.raises(DeadlineExceeded, match="neither finished nor undone"):
        await remove(rig)


async def test_a_process_that_a_start_has_left_goes_first(rig: Rig) -> None:
    rig.cri.fail_next("RemoveContainer", LEFT_TASK)
    left = rig.cri.by_name("a").id
    await remove(rig)
    assert rig.tasks.ended == [left] and not rig.cri.containers


async def test_what_the_runtime_says_is_told_where_nothing_helps(rig: Rig) -> None:
    rig.tasks.error = Unimplemented("Unimplemented", "no containerd")
    for _ in range(2):
        rig.cri.fail_next("RemoveContainer", LEFT_TASK)
    with pytest.raises(CriError, match="cannot delete running task"):
        await remove(rig)
    rig.cri.fail_next("RemoveContainer", OTHER)
    with pytest.raises(CriError, match="the disk is gone"):
        await remove(rig)


async def test_one_that_is_gone_is_gone(rig: Rig) -> None:
    rig.cri.fail_next("RemoveContainer", NotFound("NotFound", "no such container"))
    await remove(rig)
    assert len(rig.cri.called("RemoveContainer")) == 1
