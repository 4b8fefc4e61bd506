"""What is known about one Pod, gathered from the API and from the node's files, and printed.

Called by `why`, and by `run` for a Pod that is stuck.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from podwright.api.clock import utc_now
from podwright.api.objects import Object, name_of, namespace_of, parse_time, uid_of
from podwright.api.resources import EVENTS, PODS
from podwright.cli import claims_of_pod, images_of_pod
from podwright.cli.explain import Finding, event_count, event_time, explain
from podwright.cli.tables import age

if TYPE_CHECKING:
    from podwright.client.http import HttpClient
    from podwright.kubelet.lifecycle.hook_log import HookRun

_EVENTS_SHOWN = 8


async def report(client: HttpClient, data_dir: Path, namespace: str, name: str) -> list[str]:
    """The whole answer of `why`. Raises NotFound."""
    pod, events, hooks = await _gather(client, data_dir, namespace, name)
    now = utc_now()
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    return [
        f"pod {namespace_of(pod)}/{name_of(pod)}: {phase}",
        *finding_lines([*explain(pod, events, hooks, now), *await claims_of_pod.of_pod(client, pod)]),
        *await images_of_pod.lines(client, data_dir, pod, events),
        *_event_lines(events, now),
    ]


async def findings(client: HttpClient, data_dir: Path, namespace: str, name: str) -> list[Finding]:
    """What is so about a Pod as it is now. Raises NotFound."""
    pod, events, hooks = await _gather(client, data_dir, namespace, name)
    return explain(pod, events, hooks, utc_now())


async def _gather(
    client: HttpClient, data_dir: Path, namespace: str, name: str
) -> tuple[Object, Sequence[Object], Sequence[HookRun]]:
    pod = await client.get(PODS, name, namespace)
    events = await client.list(EVENTS, namespace, field_selector=f"involvedObject.uid={uid_of(pod)}")
    return pod, events.items, await asyncio.to_thread(hook_runs, data_dir, namespace, name, uid_of(pod))


def hook_runs(data_dir: Path, namespace: str, name: str, uid: str = "*") -> Sequence[HookRun]:
    """What hooks of a Pod left on this node, the oldest first; without `uid` also of earlier Pods of this name.

    Reads files: call it in a thread. Raises OSError.
    """
    from podwright.kubelet.lifecycle import hook_log

    folders = (data_dir / "logs" / "pods").glob(f"{namespace}_{name}_{uid}")
    return sorted((run for folder in folders for run in hook_log.read(folder)), key=lambda run: run.time)


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings as text."""
    lines = []
    for finding in findings:
        lines.append(f"  {finding.what}")
        lines += [f"    {detail}" for detail in finding.details]
        if finding.advice:
            lines.append(f"    -> {finding.advice}")
    return lines


def _event_lines(events: Sequence[Object], now: datetime.datetime) -> list[str]:
    if not events:
        return []
    lines = ["events, the newest last:"]
    for event in sorted(events, key=event_time)[-_EVENTS_SHOWN:]:
        when = event_time(event)
        ago = age((now - parse_time(when)).total_seconds()) if when else "?"
        count = event_count(event)
        often = f" (x{count})" if count > 1 else ""
        mark = "!" if event.get("type") == "Warning" else " "
        lines.append(f"  {ago:>6} {mark} {event.get('reason')}: {event.get('message')}{often}")
    return lines
