"""Which keys of an object become which files."""

import datetime

import pytest

from podwright.kubelet.volumes.atomic_writer import File
from podwright.kubelet.volumes.collect import Collected, VolumeSourceError, choose

CONTENTS = {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], {"a": File(b"1", 0o644), "b": File(b"2", 0o644)}, id="without items all of them"),
        pytest.param([{"key": "a", "path": "x/y"}], {"x/y": File(b"1", 0o644)}, id="an item at its path"),
        pytest.param([{"key": "a", "path": "x", "mode": 0}], {"x": File(b"1", 0)}, id="a mode of zero is a mode"),
        pytest.param(
            [{"key": "a", "path": "x"}, {"key": "b", "path": "x"}], {"x": File(b"2", 0o644)}, id="the later one stays"
        ),
    ],
)
def test_choose(items: list, expected: dict) -> None:
    assert choose(CONTENTS, items, 0o644, False, "absent").files == expected


def test_a_key_that_is_not_there() -> None:
    items = [{"key": "no", "path": "x"}]
    with pytest.raises(VolumeSourceError, match=r"^absent: no$"):
        choose(CONTENTS, items, 0o644, False, "absent")
    assert choose(CONTENTS, items, 0o644, True, "absent").files == {}


def test_the_earliest_time_counts() -> None:
    early, late = (datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for day in (1, 2))
    whole = Collected()
    for at in (None, late, early, None):
        whole.merge(Collected(refresh_at=at))
    assert whole.refresh_at == early
