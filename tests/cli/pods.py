"""Pods as the API shows them, made short."""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def running(since: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"running": {"startedAt": since}}


def terminated(code: int, reason: str = "", **more: Any) -> dict[str, Any]:
    named = reason or ("Completed" if code == 0 else "Error")
    return {"terminated": {"exitCode": code, "reason": named, "finishedAt": "2026-01-01T00:01:00Z", **more}}


def pod(
    states: dict[str, dict[str, Any]] | None = None,
    *,
    phase: str = "Pending",
    policy: str = "Always",
    conditions: dict[str, str] | None = None,
    init: dict[str, dict[str, Any]] | None = None,
    restarts: int = 0,
    last: dict[str, Any] | None = None,
    node: str = "n1",
    **status: Any,
) -> Object:
    """`states`: container name -> its state; {} is a container that has no status yet."""

    def statuses(named: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "state": state,
                "restartCount": restarts,
                "lastState": last or {},
                "containerID": "" if "waiting" in state else f"containerd://{name}",
            }
            for name, state in named.items()
            if state
        ]

    states = {"app": {}} if states is None else states
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "nodeName": node,
            "restartPolicy": policy,
            "containers": [{"name": name, "image": "example/app:1"} for name in states],
            "initContainers": [{"name": name, "image": "example/init:1"} for name in init or {}],
        },
        "status": {
            "phase": phase,
            "conditions": [{"type": kind, "status": value} for kind, value in (conditions or {}).items()],
            "containerStatuses": statuses(states),
            "initContainerStatuses": statuses(init or {}),
            **status,
        },
    }


def event(
    reason: str, message: str, *, kind: str = "Normal", at: str = "2026-01-01T00:00:10Z", count: int = 1
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"web.{reason}", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default", "uid": "u1"},
        "reason": reason,
        "message": message,
        "type": kind,
        "count": count,
        "lastTimestamp": at,
    }
