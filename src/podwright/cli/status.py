"""`podwright status`: what is running, and how to reach it. Exit status 3 when the node is not up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from podwright.api.objects import Object, name_of
from podwright.api.pods import condition, condition_is_true
from podwright.cli import connection
from podwright.cli.health import runtime_class
from podwright.cli.instance import Instance, data_dir_option


@click.command()
@data_dir_option
def command(data_dir: Path) -> None:
    """Say what is running, and how to reach it."""
    instance = connection.require_up(data_dir)
    for line in connection.run(_lines(data_dir, instance)):
        click.echo(line)


async def _lines(data_dir: Path, instance: Instance) -> list[str]:
    from podwright.api.resources import NODES, PODS, RUNTIME_CLASSES

    async with connection.connect(data_dir) as client:
        node, pods, classes, runtime_pid = await asyncio.gather(
            client.get(NODES, instance.node),
            client.list(PODS, field_selector=f"spec.nodeName={instance.node}"),
            client.list(RUNTIME_CLASSES),
            asyncio.to_thread(_runtime_pid, data_dir) if instance.managed else _no_pid(),
        )
    return describe(instance, data_dir, node, pods.items, classes=classes.items, runtime_pid=runtime_pid)


async def _no_pid() -> None:
    return None


def _runtime_pid(data_dir: Path) -> int | None:
    from podwright.containerd.layout import Layout
    from podwright.containerd.process import find

    process = find(Layout(data_dir))
    return process.pid if process else None


def describe(
    instance: Instance,
    data_dir: Path,
    node: Object,
    pods: Sequence[Object],
    *,
    classes: Sequence[Object],
    runtime_pid: int | None,
) -> list[str]:
    """The lines to print; pure."""
    status = node.get("status") or {}
    info = status.get("nodeInfo") or {}
    handlers = [entry["name"] for entry in status.get("runtimeHandlers") or () if entry.get("name")]
    runtime = info.get("containerRuntimeVersion") or "unknown"
    if runtime_pid:
        runtime += f", pid {runtime_pid}"
    elif instance.managed:
        runtime += ", not running (it is started again by itself)"
    else:
        runtime += ", not managed by podwright"
    return [
        f"node         {instance.node}, {_readiness(node)}",
        f"podwright    pid {instance.pid}, {instance.url}",
        f"runtime      {runtime}",
        f"handlers     {', '.join(handlers) or 'the default only'}",
        *(f"  {how_to_try(handler, classes)}" for handler in handlers),
        f"pods         {_counts(pods)}",
        f"data         {data_dir}",
        f"kubectl      export KUBECONFIG={data_dir / 'kubeconfig'}",
    ]


def how_to_try(handler: str, classes: Sequence[Object]) -> str:
    """One line by which a Pod runs under a handler: with a class there is, or with one to make."""
    there = sorted(name_of(one) for one in classes if one.get("handler") == handler)
    use = f"runtimeClassName: {there[0] if there else handler}"
    if there:
        return f"try {handler}: in a Pod's spec, {use}"
    return f"try {handler}: echo '{runtime_class(handler)}' | kubectl apply -f -, then in a Pod's spec, {use}"


def _readiness(node: Object) -> str:
    if condition_is_true(node, "Ready"):
        return "Ready"
    ready = condition(node, "Ready") or {}
    why = ready.get("message") or "it has not said why"
    return f"NotReady: {why}"


def _counts(pods: Sequence[Object]) -> str:
    if not pods:
        return "none"
    phases = Counter(str((pod.get("status") or {}).get("phase") or "Pending") for pod in pods)
    ready = sum(condition_is_true(pod, "Ready") for pod in pods)
    told = ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))
    return f"{len(pods)} ({told}; {ready} Ready)"
