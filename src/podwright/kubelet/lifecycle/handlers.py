"""Runs one hook handler: exec, httpGet, tcpSocket or sleep.

`hooks.py` decides whether it is due and for how long; here is what each kind does and what it says when it fails.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-implementations
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, name_of, namespace_of, uid_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import CriError
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.environment.quoting import quote
from podwright.kubelet.interfaces import ContainerRef, ExecRunner
from podwright.kubelet.lifecycle.dial import connect, dial_error
from podwright.kubelet.lifecycle.http_get import HttpError, PlainAnswerError, http_get
from podwright.kubelet.lifecycle.target import (
    HttpTarget,
    TargetError,
    http_target,
    join_host_port,
    resolve_port,
)

USER_AGENT = "kube-lifecycle/1.36"
HTTP_STATUS_REASON = "LifecycleHTTPStatus"
_TYPES = ("exec", "httpGet", "tcpSocket", "sleep")
_SHOWN = 4096
"""Characters of a command's output that the container's status shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handler ended. `failure` is the full message of one that failed, "" otherwise."""

    result: str = "Succeeded"
    failure: str = ""
    message: str = ""
    exit_code: int | None = None
    http_status: int | None = None
    output: bytes = b""
    events: Sequence[tuple[str, str]] = ()
    """(reason, message) of warnings that do not make it fail"""


def handler_type(handler: Object) -> str:
    """The field that is set: exec, httpGet, tcpSocket, sleep; "" for none of them."""
    return next((kind for kind in _TYPES if handler.get(kind) is not None), "")


def subject_text(ref: ContainerRef) -> str:
    """`Container "web" in Pod "a_default(uid)"`, as hook messages name it."""
    pod = f"{name_of(ref.pod)}_{namespace_of(ref.pod)}({uid_of(ref.pod)})"
    return f"Container {quote(ref.name)} in Pod {quote(pod)}"


class HandlerRunner:
    """Runs handlers: commands through the runtime, the rest from this process, on the node's network."""

    def __init__(self, exec_runner: ExecRunner, node: Callable[[], NodeFacts]) -> None:
        self._exec = exec_runner
        self._node = node

    async def run(
        self, handler: Object, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str]
    ) -> Outcome:
        """Run the handler to its end; it has no time limit of its own."""
        kind = handler_type(handler)
        if kind == "exec":
            return await self._run_command(handler["exec"].get("command") or (), ref, container_id)
        if kind == "sleep":
            await asyncio.sleep(float(handler["sleep"].get("seconds") or 0))
            return Outcome()
        if kind == "":
            return Outcome("Failed", failure=f"Cannot run handler: invalid handler: {handler}")
        address = self._address(ref.pod, pod_ips)
        if kind == "tcpSocket":
            return await self._connect(handler[kind], ref, container, address)
        return await self._get(handler[kind], ref, container, address)

    def _address(self, pod: Object, pod_ips: Sequence[str]) -> str:
        on_host = (pod.get("spec") or {}).get("hostNetwork")
        return next(iter(self._node().host_ips if on_host else pod_ips), "")

    async def _run_command(self, command: Sequence[str], ref: ContainerRef, container_id: str) -> Outcome:
        shown = " ".join(command)
        what = f"Exec lifecycle hook ([{shown}]) for {subject_text(ref)} failed - error: "
        try:
            result = await self._exec.exec_sync(container_id, command, 0)
        except (CriError, TimeoutError) as error:
            return Outcome("Failed", failure=f'{what}{error}, message: ""')
        output = result.stdout + result.stderr
        if result.exit_code == 0:
            return Outcome(exit_code=0, output=output)
        why = f"command '{shown}' exited with {result.exit_code}: {_shown(result.stderr)}"
        failure = f"{what}{why}, message: {quote(_shown(output))}"
        return Outcome("Failed", failure, exit_code=result.exit_code, output=output)

    async def _connect(self, action: Any, ref: ContainerRef, container: Object, address: str) -> Outcome:
        what, where = f"for {subject_text(ref)} failed - error: ", ""
        try:
            host = action.get("host") or address
            if not host:
                raise TargetError("failed to find networking container: the Pod has no address")
            port = resolve_port(action["port"], container)
            where = join_host_port(host, port)
            await connect(host, port)
        except TargetError as error:
            return Outcome("Failed", f"TCP lifecycle hook ({action.get('port')}) {what}{error}")
        except OSError as error:
            return Outcome("Failed", f"TCP lifecycle hook ({where}) {what}{dial_error(error, where)}")
        return Outcome()

    async def _get(self, action: Any, ref: ContainerRef, container: Object, address: str) -> Outcome:
        what = f"HTTP lifecycle hook ({action.get('path') or '/'}) for {subject_text(ref)} failed - error: "
        events: list[tuple[str, str]] = []
        try:
            if not action.get("host") and not address:
                raise TargetError("failed to find networking container: the Pod has no address")
            target = http_target(action, container, address, USER_AGENT)
            try:
                answer = await http_get(target)
            except PlainAnswerError as error:
                try:
                    answer = await http_get(_in_clear(target))
                except HttpError:
                    raise error from None
                where = target.url.split("/", 3)[2]
                events.append(
                    (
                        EventReason.LIFECYCLE_HTTP_FALLBACK,
                        f"request to HTTPS lifecycle hook {where} got HTTP response, retry with HTTP succeeded",
                    )
                )
        except (TargetError, HttpError) as error:
            return Outcome("Failed", f"{what}{error}")
        if answer.status >= 400:
            text = f"HTTP lifecycle hook was answered with status {answer.status}; any answer counts as success"
            events.append((HTTP_STATUS_REASON, text))
        return Outcome(http_status=answer.status, output=answer.body, events=events)


def _in_clear(target: HttpTarget) -> HttpTarget:
    """The same request without TLS, and without the credentials that were meant for it."""
    kept = [(name, value) for name, value in target.headers if name.lower() != "authorization"]
    return HttpTarget("http" + target.url.removeprefix("https"), kept)


def _shown(output: bytes) -> str:
    text = output.decode(errors="replace")
    return text if len(text) <= _SHOWN else f"...{text[-_SHOWN:]}"
