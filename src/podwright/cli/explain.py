"""Why a Pod is as it is, in plain words, and what to do next.

Pure: a Pod, its events and its hooks' records in, findings out. `why` prints them; `run` does for a Pod that is stuck.
Page: https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from podwright.api.objects import Object, metadata, name_of, namespace_of, parse_time
from podwright.api.pods import condition, condition_is_true, spec_of
from podwright.api.reasons import EventReason, Phase, Waiting
from podwright.cli import advice
from podwright.cli.containers import ContainerState, container_states
from podwright.cli.tables import age

_FIRST_PULL_PAUSE = 10
_LONGEST_PULL_PAUSE = 300
"""Seconds; https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff"""
_PULL_REASONS = (Waiting.ERR_IMAGE_PULL, Waiting.IMAGE_PULL_BACK_OFF, Waiting.REGISTRY_UNAVAILABLE)


class Hook(Protocol):
    """One run of a hook, as the node keeps it."""

    @property
    def container(self) -> str: ...
    @property
    def hook(self) -> str: ...
    @property
    def handler(self) -> str: ...
    @property
    def result(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def output(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so."""

    what: str
    details: tuple[str, ...] = ()
    advice: str = ""
    """what to do next; "" when there is nothing to do but wait, or nothing at all"""


def explain(pod: Object, events: Sequence[Object], hooks: Sequence[Hook], now: datetime.datetime) -> list[Finding]:
    """What is so about a Pod, the cause before what follows from it; never empty.

    `events` are those about this Pod, in any order; `hooks` the oldest first.
    """
    ordered = sorted(events, key=event_time)
    findings = [
        *_deletion(pod, now),
        *_ended_as_a_whole(pod),
        *_scheduling(pod, ordered),
        *_before_containers(pod, ordered),
        *(finding for state in container_states(pod) for finding in _container(pod, state, ordered, now)),
        *_readiness_gates(pod),
        *_hooks(hooks),
    ]
    return findings or [_well(pod)]


def event_time(event: Object) -> str:
    """When an event was seen last, RFC 3339."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or metadata(event).get("creationTimestamp")
        or ""
    )


def event_count(event: Object) -> int:
    """How often it was seen."""
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def logs_name(pod: Object) -> str:
    """The Pod as `podwright logs` wants it named."""
    namespace = namespace_of(pod)
    return name_of(pod) if namespace == "default" else f"{name_of(pod)} -n {namespace}"


def _deletion(pod: Object, now: datetime.datetime) -> Iterator[Finding]:
    deleted = metadata(pod).get("deletionTimestamp")
    if not deleted:
        return
    finalizers = metadata(pod).get("finalizers") or ()
    left = (parse_time(str(deleted)) - now).total_seconds()
    if left > 0:
        text = f"it is being deleted; its containers have {age(left)} left to end by themselves"
    else:
        text = f"it is being deleted, and its grace period ended {age(-left)} ago"
    if finalizers:
        yield Finding(
            text, (f"finalizers: {', '.join(finalizers)}",), "it goes when whoever set the finalizers removes them"
        )
    else:
        yield Finding(text)


def _ended_as_a_whole(pod: Object) -> Iterator[Finding]:
    status = pod.get("status") or {}
    if status.get("reason"):
        yield Finding(f"{status.get('phase')}: {status['reason']}", _lines(status.get("message")))


def _scheduling(pod: Object, events: Sequence[Object]) -> Iterator[Finding]:
    if spec_of(pod).get("nodeName") or (pod.get("status") or {}).get("phase") not in (None, Phase.PENDING):
        return
    if gates := spec_of(pod).get("schedulingGates"):
        names = ", ".join(str(gate.get("name")) for gate in gates)
        yield Finding("no node was looked for: it has scheduling gates", (names,), "whoever set the gates removes them")
        return
    scheduled = condition(pod, "PodScheduled") or {}
    message = scheduled.get("message") or next(
        (
            str(event.get("message"))
            for event in reversed(events)
            if event.get("reason") == EventReason.FAILED_SCHEDULING
        ),
        "",
    )
    if message:
        yield Finding("no node takes it", _lines(message), advice.for_scheduling(message))
    else:
        yield Finding("no node was chosen yet")


def _before_containers(pod: Object, events: Sequence[Object]) -> Iterator[Finding]:
    """What keeps the sandbox or the volumes from being made; told only while no container has begun."""
    if any(state.container_id for state in container_states(pod)) or not spec_of(pod).get("nodeName"):
        return
    for reason, what, next_step in (
        (EventReason.FAILED_MOUNT, "a volume can't be mounted", "correct the volume, or create what it refers to"),
        (
            EventReason.FAILED_CREATE_POD_SANDBOX,
            "its sandbox can't be made",
            "`podwright doctor` looks for what is missing",
        ),
        (
            EventReason.NETWORK_NOT_READY,
            "the node's network is not ready",
            "`podwright status` says what the node waits for",
        ),
    ):
        last = next((event for event in reversed(events) if event.get("reason") == reason), None)
        if last is not None:
            yield Finding(f"{what} (tried {_times(event_count(last))})", _lines(last.get("message")), next_step)


def _container(
    pod: Object, state: ContainerState, events: Sequence[Object], now: datetime.datetime
) -> Iterator[Finding]:
    title = f"{state.kind} {state.name}"
    if state.state == "terminated":
        if state.exit_code:
            details = _lines(state.message)
            yield Finding(
                f"{title} ended with exit code {state.exit_code} ({state.reason})",
                details,
                advice.for_exit(state.exit_code, state.reason)
                or f"`podwright logs {logs_name(pod)} -c {state.name}` shows what it printed",
            )
    elif state.state == "running":
        yield from _running(pod, state, title, events)
    elif state.reason in _PULL_REASONS:
        yield Finding(
            f"{title} waits for its image: {state.reason}",
            (*_lines(state.message), *_pulls(state, events, now)),
            advice.for_waiting(state, logs_name(pod)),
        )
    elif state.reason == Waiting.CRASH_LOOP_BACK_OFF:
        yield Finding(
            f"{title} ends again and again ({_times(state.restarts)} restarted)",
            (*_last_run(state.last), *_lines(state.message)),
            advice.for_waiting(state, logs_name(pod)),
        )
    elif state.reason not in ("", Waiting.POD_INITIALIZING, Waiting.CONTAINER_CREATING):
        yield Finding(
            f"{title} waits: {state.reason}", _lines(state.message), advice.for_waiting(state, logs_name(pod))
        )
    elif spec_of(pod).get("nodeName") and not _blocked(events):
        yield Finding(f"{title} waits: {state.reason or 'nothing said yet'}", _lines(state.message))


def _blocked(events: Sequence[Object]) -> bool:
    blocking = (EventReason.FAILED_MOUNT, EventReason.FAILED_CREATE_POD_SANDBOX, EventReason.NETWORK_NOT_READY)
    return any(event.get("reason") in blocking for event in events)


def _running(pod: Object, state: ContainerState, title: str, events: Sequence[Object]) -> Iterator[Finding]:
    if state.kind == "init container":
        yield Finding(f"{title} runs; the containers after it start when it has ended")
        return
    if state.kind == "container" and not state.ready:
        unhealthy = next((event for event in reversed(events) if event.get("reason") == EventReason.UNHEALTHY), None)
        details = _lines(unhealthy.get("message")) if unhealthy else ()
        yield Finding(
            f"{title} runs and is not ready",
            details,
            "its probe must succeed: correct the probe or what it asks" if unhealthy else "",
        )
    if state.restarts and state.last and state.last.get("exitCode"):
        yield Finding(
            f"{title} was restarted {_times(state.restarts)}",
            tuple(_last_run(state.last)),
            f"`podwright logs {logs_name(pod)} -c {state.name} --previous` shows what the run before printed",
        )


def _pulls(state: ContainerState, events: Sequence[Object], now: datetime.datetime) -> Iterator[str]:
    """How often it was tried, and, where the message does not tell it, when it is tried next."""
    failed = [
        event
        for event in events
        if event.get("reason") == EventReason.FAILED and f'pull image "{state.image}"' in str(event.get("message"))
    ]
    tries = sum(event_count(event) for event in failed)
    if not tries:
        return
    last = parse_time(event_time(failed[-1]))
    told = f"tried {_times(tries)}, last {age((now - last).total_seconds())} ago"
    if "next attempt at" in state.message:
        yield told
        return
    pause = min(_FIRST_PULL_PAUSE * 2 ** min(tries - 1, 10), _LONGEST_PULL_PAUSE)
    left = (last + datetime.timedelta(seconds=pause) - now).total_seconds()
    yield f"{told}; the next try {f'in about {age(left)}' if left > 0 else 'is due'}"


def _last_run(last: Mapping[str, Any] | None) -> Iterator[str]:
    if not last:
        return
    code = int(last.get("exitCode") or 0)
    yield f"the last run ended with exit code {code} ({last.get('reason') or 'no reason given'})"
    if meaning := advice.for_exit(code, str(last.get("reason") or "")):
        yield meaning
    yield from _lines(last.get("message"))


def _readiness_gates(pod: Object) -> Iterator[Finding]:
    for gate in spec_of(pod).get("readinessGates") or ():
        kind = str(gate.get("conditionType"))
        if not condition_is_true(pod, kind):
            yield Finding(f"readiness gate {kind} is not True", (), f"whoever owns the condition {kind} sets it")


def _hooks(hooks: Sequence[Hook]) -> Iterator[Finding]:
    """The last run of each hook, where it did not succeed."""
    newest = {(run.container, run.hook): run for run in hooks}
    for run in newest.values():
        if run.result != "Succeeded":
            yield Finding(
                f"{run.hook} hook ({run.handler}) of {run.container}: {run.result}",
                (*_lines(run.message), *(f"| {line}" for line in run.output.splitlines()[-5:])),
            )


def _well(pod: Object) -> Finding:
    phase = (pod.get("status") or {}).get("phase") or Phase.PENDING
    if phase == Phase.SUCCEEDED:
        return Finding("all its containers ended with exit code 0")
    if phase == Phase.RUNNING and condition_is_true(pod, "Ready"):
        return Finding("it runs and is Ready: nothing is wrong with it")
    return Finding(f"it is {phase}, and nothing is wrong that the node knows of")


def _lines(text: object) -> tuple[str, ...]:
    return tuple(line for line in str(text or "").strip().splitlines() if line.strip())


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
