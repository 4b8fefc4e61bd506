"""The API server over TLS, authenticated and authorized, with eight clients, each a process with one connection.

The clients are a user whom a role allows this, no administrator; every admission plugin that is on by default is on.
On a whole node: kubelet, scheduler and controllers run in the same process and see every Pod that is created. The
Pods name a scheduler that does not exist, so that they stay what they are. Creations and patches are durable, as
always. Answers that are read are 1.5 KB a Pod.

Pods that are created are alike but for their names, as those of a controller are. What is worked out for one is kept
for the next; a row of its own tells what a Pod costs that is like no other.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.idle import cpu_seconds
from benchmarks.load import Task
from benchmarks.measurement import Measurement
from benchmarks.node import Node
from benchmarks.user import allowed_user
from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import NAMESPACES, PODS
from podwright.client.kubeconfig import read_kubeconfig

_CLIENTS = 8
_LISTED = 500
_STRATEGIC = "application/strategic-merge-patch+json"


async def measure(node: Node) -> Sequence[Measurement]:
    """GET, LIST, CREATE and PATCH of Pods, one after the other."""
    for namespace in ("load", "load-create"):
        await _namespace(node, namespace)
    for number in range(_LISTED):
        await node.client.create(PODS, pod(f"p{number}"), "load")
    load = Load(node, await allowed_user(node), seconds=2.0 if node.quick else 5.0)
    pods = "/api/v1/namespaces/load/pods"
    created = json.dumps(pod("c{client}-{n}"))
    unlike = json.dumps(pod("u{client}-{n}")).replace("--verbose", "--number={client}-{n}")
    patch = json.dumps({"metadata": {"labels": {"round": "{n}"}}})
    return [
        await load.rate("API: GET", 6000, "GET", f"{pods}/p{{client}}"),
        await load.rate(f"API: LIST of {_LISTED}", 800, "GET", pods),
        await load.rate(f"API: LIST of {_LISTED}, gzip", 800, "GET", pods, accept_encoding="gzip"),
        await load.rate(
            "API: CREATE, durable", 2500, "POST", "/api/v1/namespaces/load-create/pods", body=created
        ),
        await load.rate(
            "API: CREATE, no two alike", 2500, "POST", "/api/v1/namespaces/load-create/pods", body=unlike
        ),
        await load.rate("API: PATCH, strategic", 2000, "PATCH", f"{pods}/p{{client}}", body=patch, kind=_STRATEGIC),
    ]  # fmt: skip


def pod(name: str) -> Object:
    """A Pod that nobody schedules."""
    container = {
        "name": "main",
        "image": "registry.example/team/app:1.2.3",
        "args": ["--listen=:8080", "--verbose"],
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [{"name": f"SETTING_{number}", "value": f"value {number}"} for number in range(5)],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }
    metadata = {"name": name, "labels": {"app": "load", "tier": "back"}, "annotations": {"example.com/by": "bench"}}
    spec = {"schedulerName": "nobody", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


async def _namespace(node: Node, name: str) -> None:
    """A namespace in which Pods can be made."""
    await node.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    async with asyncio.timeout(10):
        while True:
            try:
                await node.client.create(PODS, pod("probe"), name, dry_run=True)
            except Forbidden:  # its service account is a moment away
                await asyncio.sleep(0.01)
            else:
                return


class Load:
    """Eight client processes at a time."""

    def __init__(self, node: Node, certificate: Path, seconds: float) -> None:
        self._seconds = seconds
        access = read_kubeconfig(node.data_dir / "kubeconfig")
        self._address = urlsplit(access.server)
        self._ca = access.ca.decode()
        self._certificate = certificate
        self._server = node.pids()["podwright"]

    async def rate(
        self, what: str, wanted: float, method: str, path: str, *, body: str = "", kind: str = "application/json",
        accept_encoding: str = "identity",
    ) -> Measurement:  # fmt: skip
        """Requests a second of all clients together."""
        begin = time.monotonic() + 1.0
        tasks = [
            Task(
                host=self._address.hostname or "", port=self._address.port or 443, ca=self._ca,
                certificate=str(self._certificate), method=method, path=path.replace("{client}", str(client)),
                body=body.replace("{client}", str(client)), content_type=kind, accept_encoding=accept_encoding,
                begin=begin, seconds=self._seconds,
            )
            for client in range(_CLIENTS)
        ]  # fmt: skip
        before = cpu_seconds(self._server)
        counted = await asyncio.gather(*(run_client("benchmarks.load", asdict(task)) for task in tasks))
        total = sum(one["per_second"] for one in counted)
        each = (cpu_seconds(self._server) - before) / (total * self._seconds) * 1e6
        note = f"{_CLIENTS} client processes; answers of {counted[0]['bytes']:,} bytes"
        return Measurement(what, total, "/s", wanted, higher_is_better=True, cpu=each, note=note)


async def run_client(module: str, task: dict[str, Any]) -> Any:
    """A client process: its task as JSON in, its answer as JSON out. Raises RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}")
    return json.loads(out)
