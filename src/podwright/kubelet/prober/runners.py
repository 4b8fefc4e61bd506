"""The four ways to probe a container: a command, a GET request, a connection, the gRPC health protocol.

Called by `worker.py`, once per probe. Texts are the kubelet's, since they stand in events that people look for.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#probe-check-methods
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object
from podwright.cri.errors import CriError
from podwright.kubelet.environment.expansion import expand_all
from podwright.kubelet.environment.quoting import quote
from podwright.kubelet.interfaces import ExecRunner
from podwright.kubelet.lifecycle.dial import connect, dial_error
from podwright.kubelet.lifecycle.http_get import HttpError, http_get
from podwright.kubelet.lifecycle.target import TargetError, http_target, join_host_port, resolve_port
from podwright.kubelet.prober import grpc_health

USER_AGENT = "kube-probe/1.36"
_OUTPUT_LIMIT = 10 * 1024


class Result(enum.Enum):
    """What one probe came to."""

    SUCCESS = "success"
    WARNING = "warning"
    """a success with something to say"""
    FAILURE = "failure"
    ERROR = "error"
    """the probe itself could not run; it counts neither way"""


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """The result of one probe and its message."""

    result: Result
    message: str = ""


class ProbeRunner:
    """Runs single probes."""

    def __init__(self, exec_runner: ExecRunner) -> None:
        self._exec = exec_runner

    async def run(
        self, probe: Mapping[str, Any], container: Object, container_id: str, address: str, timeout: float
    ) -> ProbeOutcome:
        """Probe once, for at most `timeout` seconds. `address` is the Pod's, for handlers that name no host."""
        try:
            if action := probe.get("exec"):
                return await self._command(action.get("command") or (), container, container_id, timeout)
            if action := probe.get("httpGet"):
                return await self._get(action, container, address, timeout)
            if action := probe.get("tcpSocket"):
                return await _connect(action, container, address, timeout)
            if action := probe.get("grpc"):
                target = join_host_port(address, resolve_port(action["port"], container))
                healthy, message = await grpc_health.check(target, action.get("service") or "", timeout, USER_AGENT)
                return ProbeOutcome(Result.SUCCESS if healthy else Result.FAILURE, message)
        except (TargetError, CriError) as error:
            return ProbeOutcome(Result.ERROR, str(error))
        return ProbeOutcome(Result.ERROR, "missing probe handler")

    async def _command(
        self, command: Sequence[str], container: Object, container_id: str, timeout: float
    ) -> ProbeOutcome:
        literals = {e["name"]: e.get("value") or "" for e in container.get("env") or () if e.get("valueFrom") is None}
        command = expand_all(command, literals)
        try:
            result = await self._exec.exec_sync(container_id, command, timeout)
        except TimeoutError:
            text = f"command timed out: {quote(' '.join(command))} timed out after {timeout:g}s"
            return ProbeOutcome(Result.FAILURE, text)
        output = (result.stdout + result.stderr)[:_OUTPUT_LIMIT].decode(errors="replace")
        return ProbeOutcome(Result.FAILURE if result.exit_code else Result.SUCCESS, output)

    async def _get(self, action: Mapping[str, Any], container: Object, address: str, timeout: float) -> ProbeOutcome:
        target = http_target(action, container, address, USER_AGENT)
        try:
            answer = await http_get(target, timeout)
        except HttpError as error:
            return ProbeOutcome(Result.FAILURE, str(error))
        if not 200 <= answer.status < 400:
            return ProbeOutcome(Result.FAILURE, f"HTTP probe failed with statuscode: {answer.status}")
        body = answer.body.decode(errors="replace")
        if answer.redirect:
            return ProbeOutcome(Result.WARNING, f"Probe terminated redirects, Response body: {body}")
        return ProbeOutcome(Result.SUCCESS, body)


async def _connect(action: Mapping[str, Any], container: Object, address: str, timeout: float) -> ProbeOutcome:
    host, port = action.get("host") or address, resolve_port(action["port"], container)
    where = join_host_port(host, port)
    try:
        async with asyncio.timeout(timeout):
            await connect(host, port)
    except OSError as error:
        return ProbeOutcome(Result.FAILURE, dial_error(error, where))
    return ProbeOutcome(Result.SUCCESS)
