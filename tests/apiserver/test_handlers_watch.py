from __future__ import annotations

import pytest

from podwright.apiserver.handlers.watch import transition


@pytest.mark.parametrize(
    ("was", "now", "deleted", "seen"),
    [
        pytest.param(False, True, False, "ADDED", id="it enters the selector"),
        pytest.param(True, True, False, "MODIFIED", id="it stays"),
        pytest.param(True, False, False, "DELETED", id="it leaves"),
        pytest.param(False, False, False, None, id="it was never seen"),
        pytest.param(True, False, True, "DELETED", id="it is deleted"),
        pytest.param(False, False, True, None, id="it is deleted unseen"),
    ],
)
def test_what_a_change_means_to_a_watcher(was: bool, now: bool, deleted: bool, seen: str | None) -> None:
    assert transition(was, now, deleted) == seen
