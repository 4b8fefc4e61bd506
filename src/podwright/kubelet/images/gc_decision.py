"""Which images are removed, and when. Pure: sizes, times and what is in use are arguments.

Called by images/gc. Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class GCPolicy:
    """KubeletConfiguration's imageGC... fields; ages in seconds. Raises ValueError as the kubelet refuses to start."""

    high_threshold_percent: int = 85
    low_threshold_percent: int = 80
    minimum_age: float = 120.0
    maximum_age: float = 0.0
    """0: images are not removed for their age"""

    def __post_init__(self) -> None:
        for name, value in (
            ("imageGCHighThresholdPercent", self.high_threshold_percent),
            ("imageGCLowThresholdPercent", self.low_threshold_percent),
        ):
            if not 0 <= value <= 100:
                raise ValueError(f"invalid configuration: {name} {value} must be between 0 and 100, inclusive")
        if self.low_threshold_percent >= self.high_threshold_percent:
            raise ValueError(
                f"invalid configuration: imageGCLowThresholdPercent {self.low_threshold_percent} must be less than "
                f"imageGCHighThresholdPercent {self.high_threshold_percent}"
            )
        if self.maximum_age < 0 or (0 < self.maximum_age <= self.minimum_age):
            raise ValueError("invalid configuration: imageMaximumGCAge must be greater than imageMinimumGCAge")

    @property
    def enabled(self) -> bool:
        """Whether anything is ever removed."""
        return self.high_threshold_percent < 100 or self.maximum_age > 0


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The one that images lie on; bytes."""

    capacity: int
    available: int

    @property
    def used_percent(self) -> int:
        """Rounded up, as the kubelet does."""
        return 100 - self.available * 100 // self.capacity


@dataclass(frozen=True, slots=True)
class KnownImage:
    """One image, with what was seen of it."""

    id: str
    size: int
    first_seen: float
    last_used: float
    in_use: bool = False
    pinned: bool = False
    handler: str = ""
    """the runtime handler that it was pulled for, where the runtime keeps them apart (RuntimeClassInImageCriApi)"""

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.id, self.handler


def bytes_to_free(file_system: FileSystem, policy: GCPolicy) -> int:
    """How much must go to come down to the low threshold; 0 while usage is below the high one."""
    if file_system.used_percent < policy.high_threshold_percent:
        return 0
    return max(0, file_system.capacity * (100 - policy.low_threshold_percent) // 100 - file_system.available)


def in_order_of_removal(images: Iterable[KnownImage]) -> Sequence[KnownImage]:
    """Those that may go: not in use, not pinned; least recently used first, then those seen first."""
    free = [image for image in images if not image.in_use and not image.pinned]
    return sorted(free, key=lambda image: (image.last_used, image.first_seen, image.id))


def spared(images: Iterable[KnownImage], missing: int) -> Sequence[KnownImage]:
    """Those that would have gone next, for `missing` bytes more, were they not in use."""
    found: list[KnownImage] = []
    for image in in_order_of_removal(replace(image, in_use=False) for image in images if image.in_use):
        if missing <= 0:
            break
        found.append(image)
        missing -= image.size
    return found


def too_old(images: Iterable[KnownImage], policy: GCPolicy, now: float, up_since: float) -> Sequence[KnownImage]:
    """Unused for longer than the maximum age; nobody is judged before the kubelet itself has been up that long."""
    if policy.maximum_age <= 0 or now - up_since <= policy.maximum_age:
        return ()
    return [image for image in in_order_of_removal(images) if now - image.last_used > policy.maximum_age]


def old_enough(image: KnownImage, policy: GCPolicy, now: float) -> bool:
    """Whether an image was seen long enough ago to be removed for its space."""
    return now - image.first_seen >= policy.minimum_age


def size_text(size: int) -> str:
    """`12.5 GiB`"""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" else f"{size} B"
        value /= 1024
    return f"{value:.1f} TiB"
