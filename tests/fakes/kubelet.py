"""Fakes of the kubelet's seams that record what was asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from podwright.api.objects import Object
from podwright.client.events import EventType
from podwright.kubelet.interfaces import ContainerRef, ExecResult


class FakeEvents:
    """EventWriter; `seen` has (reason, message) of each event, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.field_paths: list[str] = []

    def event(self, obj: Object, type: EventType, reason: str, message: str, field_path: str = "") -> None:
        self.seen.append((str(reason), message))
        self.field_paths.append(field_path)


class FakeExec:
    """ExecRunner; answers with `result`, raises `failure`, or hangs until `release` is set."""

    def __init__(self, result: ExecResult | None = None, failure: Exception | None = None) -> None:
        self.result = result or ExecResult(0, b"", b"")
        self.failure = failure
        self.release: asyncio.Event | None = None
        self.calls: list[tuple[str, list[str], float]] = []

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        self.calls.append((container_id, list(command), timeout))
        if self.release is not None:
            await self.release.wait()
        if self.failure is not None:
            raise self.failure
        return self.result


class FakeImages:
    """Images; every image is there under `sha256:<name>`, unless `failure` is set."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[tuple[str, str, str]] = []

    async def ensure(self, ref: ContainerRef, image: str, policy: str, runtime_handler: str) -> str:
        self.asked.append((ref.name, image, policy))
        if self.failure is not None:
            raise self.failure
        return f"sha256:{image}"

    async def ensure_for_volume(self, pod: Object, image: str, policy: str, runtime_handler: str) -> str:
        self.asked.append(("", image, policy))
        if self.failure is not None:
            raise self.failure
        return f"sha256:{image}"
