"""What was asked for and not yet seen."""

from __future__ import annotations

from podwright.controllers.expectations import EXPIRY_SECONDS, Expectations


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_creations_are_waited_for_one_by_one() -> None:
    expectations: Expectations[str] = Expectations(Clock())
    assert not expectations.waits("a")
    expectations.expect("a", creations=2)
    expectations.created("b")
    expectations.created("a")
    assert expectations.waits("a") == EXPIRY_SECONDS
    expectations.created("a")
    assert not expectations.waits("a")


def test_a_deletion_that_is_seen_twice_counts_once() -> None:
    expectations: Expectations[str] = Expectations(Clock())
    expectations.expect("a", deletions=["1", "2"])
    expectations.deleted("a", "1")
    expectations.deleted("a", "1")
    assert expectations.waits("a")
    expectations.deleted("a", "2")
    assert not expectations.waits("a")


def test_what_never_comes_is_forgotten_after_five_minutes() -> None:
    clock = Clock()
    expectations: Expectations[str] = Expectations(clock)
    expectations.expect("a", creations=1)
    clock.now += EXPIRY_SECONDS - 1
    assert expectations.waits("a") == 1
    clock.now += 1
    assert not expectations.waits("a")
    expectations.expect("a", creations=1)
    expectations.forget("a")
    assert not expectations.waits("a")
