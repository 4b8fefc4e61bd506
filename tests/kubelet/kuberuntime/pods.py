"""Pods and runtime states for the tests of kuberuntime."""

from __future__ import annotations

import datetime
from typing import Any

from podwright.api.objects import Object
from podwright.kubelet.kuberuntime.pod_containers import container_hash, find_member
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus

UID = "11111111-2222"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def container(name: str = "app", **fields: Any) -> Object:
    return {"name": name, "image": f"{name}:1", **fields}


def pod(*containers: Object, init: list[Object] | None = None, meta: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "uid": UID, **(meta or {})},
        "spec": {
            "containers": list(containers) or [container()],
            **({"initContainers": init} if init else {}),
            **spec,
        },
    }


def deleted(obj: Object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


def sandbox(id: str = "box", ready: bool = True, attempt: int = 0, **fields: Any) -> SandboxStatus:
    return SandboxStatus(id, ready, attempt, NOW, **{"ips": ("10.0.0.2",), **fields})


def instance(
    of: Object,
    name: str,
    state: str,
    exit_code: int = 0,
    *,
    box: str = "box",
    attempt: int = 0,
    hash: str | None = None,
    finished: datetime.datetime | None = None,
) -> ContainerStatus:
    member = find_member(of, name)
    return ContainerStatus(
        id=f"{name}-{attempt}",
        name=name,
        state=ContainerState(state),
        attempt=attempt,
        image=f"{name}:1",
        image_ref="",
        exit_code=exit_code,
        hash=container_hash(member.spec) if hash is None and member else hash or "",
        sandbox_id=box,
        finished_at=finished,
    )


def state(*containers: ContainerStatus, boxes: tuple[SandboxStatus, ...] | None = None) -> PodRuntimeStatus:
    return PodRuntimeStatus(UID, "web", "shop", (sandbox(),) if boxes is None else boxes, containers)


class Probed:
    """Says what the probes have said."""

    def __init__(self, started: dict[str, bool] | None = None, restart: dict[str, str] | None = None) -> None:
        self._started = started or {}
        self._restart = restart or {}

    def is_started(self, container: str, container_id: str) -> bool | None:
        return self._started.get(container)

    def must_restart(self, container: str, container_id: str) -> str:
        return self._restart.get(container, "")
