"""Decides what a single value in a KubeletConfiguration means, and says what is wrong with one that means nothing.

Pure; called by `configuration`. Each reader takes the JSON value and returns it in our units (seconds, bytes, base
units), or raises ValueError with a text that stands after the field's path.
Page: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from podwright.api.durations import parse_duration
from podwright.api.quantity import parse_quantity

Reader = Callable[[Any], Any]


EVICTION_SIGNALS = (
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "containerfs.available",
    "containerfs.inodesFree",
    "allocatableMemory.available",
    "pid.available",
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit below which the node is short of something: an amount, or a share of the capacity."""

    amount: Decimal | None = None
    share: float | None = None
    """0..1"""

    def of(self, capacity: int) -> int:
        """The limit in base units, given the capacity."""
        return int(self.amount) if self.amount is not None else int(capacity * (self.share or 0.0))


@dataclass(frozen=True, slots=True)
class PriorityGrace:
    """How long Pods of a priority, and of those up to the next one in the list, get when the machine goes down."""

    priority: int
    seconds: int


def priority_graces(value: Any) -> tuple[PriorityGrace, ...]:
    """`shutdownGracePeriodByPodPriority`, the lowest priority first."""
    whole = integer(-(2**31), 2**31 - 1)
    graces = []
    for entry in objects(value):
        if unknown := sorted(set(entry) - {"priority", "shutdownGracePeriodSeconds"}):
            raise ValueError(f"unknown field {unknown[0]}")
        grace = integer(0)(entry.get("shutdownGracePeriodSeconds", 0))
        graces.append(PriorityGrace(whole(entry.get("priority", 0)), grace))
    return tuple(sorted(graces, key=lambda grace: grace.priority))


def boolean(value: Any) -> bool:
    """true or false, nothing else."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError(f"expected a string, got {value!r}")
    return value


def integer(low: int | None = None, high: int | None = None) -> Reader:
    """A whole number within bounds (inclusive)."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"expected a whole number, got {value!r}")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"between {low} and {high}" if high is not None else f"{low} or more"
            raise ValueError(f"must be {bounds}, got {value}")
        return value

    return read


def one_of(*options: str) -> Reader:
    """One of the listed words."""

    def read(value: Any) -> str:
        if value not in options:
            raise ValueError(f"must be one of {', '.join(options)}, got {value!r}")
        return str(value)

    return read


def duration(value: Any) -> float:
    """A Go duration such as `1m30s`, in seconds."""
    if not isinstance(value, str):
        raise ValueError(f'expected a duration such as "1m30s", got {value!r}')
    return parse_duration(value)


def quantity_bytes(value: Any) -> int:
    """A quantity of bytes such as `10Mi`."""
    return int(parse_quantity(value))


def quantity(value: Any) -> str:
    """A quantity, as it is written."""
    parse_quantity(text(value))
    return str(value)


def texts(value: Any) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {value!r}")
    return tuple(text(item) for item in value)


def addresses(value: Any) -> tuple[str, ...]:
    """A list of IP addresses."""
    return tuple(str(ipaddress.ip_address(item)) for item in texts(value))


def objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of objects."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"expected a list of objects, got {value!r}")
    return tuple(value)


def map_of(read: Reader, keys: Sequence[str] = ()) -> Reader:
    """An object whose values `read` understands; `keys`, where given, are all there may be."""

    def read_map(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, got {value!r}")
        answer = {}
        for name, item in value.items():
            if keys and name not in keys:
                raise ValueError(f"unknown key {name!r}, known are {', '.join(keys)}")
            try:
                answer[name] = read(item)
            except ValueError as error:
                raise ValueError(f"[{name}]: {error}") from None
        return answer

    return read_map


def threshold(value: Any) -> Threshold:
    """`100Mi` or `10%`."""
    said = text(value)
    if said.endswith("%"):
        try:
            share = float(said[:-1]) / 100
        except ValueError:
            raise ValueError(f"expected a percentage, got {said!r}") from None
        if not 0 <= share <= 1:
            raise ValueError(f"eviction percentage threshold must be between 0% and 100%, got {said}")
        return Threshold(share=share)
    amount = parse_quantity(said)
    if amount < 0:
        raise ValueError(f"eviction threshold must be positive: {said}")
    return Threshold(amount=amount)
