"""Which hooks were delivered, on the disk, so that a crash loses none and nothing else repeats one.

    (nothing) --begin--> intended --finish--> done | failed

`begin` writes before the handler runs, `finish` after it. A new process that finds `intended`, or nothing, delivers
(again); one that finds `done` or `failed` does not. One file a container and hook, so that a restart of the container
takes the place of what was: `<data>/pods/<uid>/hooks/<container>.<hook>`.
Called by `hooks.py`, in threads.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-delivery-guarantees
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

import msgspec


class Delivery(enum.StrEnum):
    """How far the delivery of a hook to one container has come."""

    NONE = "none"
    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether it must not be delivered again."""
        return self in (Delivery.DONE, Delivery.FAILED)


@dataclass(frozen=True, slots=True)
class HookRecord:
    """What stands in the file. A power failure ends the container too, so the file need not outlive one."""

    containerID: str
    delivery: Delivery
    message: str = ""
    """why it failed"""


class HookRecords:
    """The records below the Pods' directories. Everything blocks and may raise OSError."""

    def __init__(self, pods_dir: Path) -> None:
        self._pods_dir = pods_dir

    def read(self, uid: str, container: str, container_id: str, hook: str) -> HookRecord:
        """The record of this very container; `Delivery.NONE` when there is none (or one of an earlier container)."""
        none = HookRecord(container_id, Delivery.NONE)
        try:
            record = msgspec.json.decode(self._path(uid, container, hook).read_bytes(), type=HookRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            return none
        return record if record.containerID == container_id else none

    def begin(self, uid: str, container: str, container_id: str, hook: str) -> HookRecord:
        """The record as it was; unless that is finished, the intent is written."""
        before = self.read(uid, container, container_id, hook)
        if not before.delivery.finished:
            self._write(uid, container, hook, HookRecord(container_id, Delivery.INTENDED))
        return before

    def finish(self, uid: str, container: str, container_id: str, hook: str, failure: str = "") -> None:
        """Write that it was delivered, or why it failed."""
        delivery = Delivery.FAILED if failure else Delivery.DONE
        self._write(uid, container, hook, HookRecord(container_id, delivery, failure))

    def _path(self, uid: str, container: str, hook: str) -> Path:
        return self._pods_dir / uid / "hooks" / f"{container}.{hook}"

    def _write(self, uid: str, container: str, hook: str, record: HookRecord) -> None:
        path = self._path(uid, container, hook)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.touch(mode=0o600)
        new.write_bytes(msgspec.json.encode(record))
        new.replace(path)
