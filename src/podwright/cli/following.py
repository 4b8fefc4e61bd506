"""Follows the Pods that `podwright run` started: their events and logs as they come, until each has arrived.

A Pod that serves has arrived when it is Ready, every other one when it has ended. Nothing is polled: Pods and events
are watched, logs are streamed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podwright.api.errors import StatusError
from podwright.api.objects import Key, Object, key_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import EVENTS, PODS
from podwright.cli.connection import text_of
from podwright.cli.containers import container_states
from podwright.cli.explain import event_count
from podwright.cli.outcome import Outcome, Stage, is_settled, outcome_of, serves
from podwright.cli.pod_logs import LineWriter, LogQuery, copy_log, prefix_of
from podwright.cli.pod_report import finding_lines, findings
from podwright.cli.pulls import PullStory, being_pulled, weigh
from podwright.client.informer import Informer

if TYPE_CHECKING:
    from podwright.client.http import HttpClient


class Story:
    """What happens, on standard error, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        """One thing that happened; more lines are set in."""
        first, *rest = text.splitlines() or [""]
        click.echo(f"[{time.monotonic() - self._began:6.2f}s] {first}", err=True)
        for line in rest:
            click.echo(f"{'':9} {line}", err=True)


@dataclass(slots=True)
class _Followed:
    pod: Object
    outcome: Outcome
    many_containers: bool
    logged: set[str] = field(default_factory=set)
    """ids of the containers whose logs are being copied, or were"""
    explained: set[tuple[tuple[str, str], ...]] = field(default_factory=set)


class Following:
    """Watches everything in `namespaces` from `start` on; `expect` names the Pods to follow before they are applied."""

    def __init__(
        self, client: HttpClient, data_dir: Path, story: Story, titles: Collection[tuple[str, Key]], endpoint: str
    ) -> None:
        """`titles`: kind and key of each object of the files; events about them are told. `endpoint`: the runtime's."""
        self._client = client
        self._data_dir = data_dir
        self._story = story
        self._about = set(titles)
        self._wanted = [key for kind, key in titles if kind == PODS.kind]
        self._uids: dict[Key, str] = {}
        self._pods: dict[Key, _Followed] = {}
        self._gone: set[Key] = set()
        self._changed = asyncio.Event()
        namespaces = sorted({key.namespace for _, key in titles if key.namespace})
        self._events = [Informer(client, EVENTS, namespace) for namespace in namespaces]
        self._informers = [Informer(client, PODS, namespace) for namespace in namespaces]
        self._pulls = PullStory(endpoint, self._being_pulled, self._weight, story.tell)

    async def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begin to watch; the tasks end when they are cancelled."""
        for informer in self._events:
            informer.add_handler(self._event_seen(informer))
        for informer in self._informers:
            informer.add_handler(self._pod_changed)
        watches = [group.create_task(informer.run()) for informer in (*self._events, *self._informers)]
        for informer in (*self._events, *self._informers):
            await informer.wait_synced()
        return [*watches, group.create_task(self._pulls.run())]

    def applied(self, pod: Object) -> None:
        """This Pod is one to follow; an earlier one of its name is not."""
        key = key_of(pod)
        self._uids[key] = uid_of(pod)
        for informer in self._informers:
            newest = informer.by_key(key)
            if newest is not None:
                pod = newest if uid_of(newest) == uid_of(pod) else pod
        self._pod_changed(None, pod)

    async def until_arrived(self, timeout: float, *, follow_serving: bool) -> int:
        """Tell and copy until every Pod has arrived; the exit status of the whole.

        `timeout`: seconds that a Pod may go without getting on by itself. `follow_serving`: stay with Pods that
        serve, until cancelled or until they are deleted.
        """
        async with asyncio.TaskGroup() as group:
            copies: list[asyncio.Task[None]] = []
            try:
                arrived = await self._wait(timeout, follow_serving, group, copies)
            except BaseException:
                for copy in copies:
                    copy.cancel()
                raise
            if not arrived:
                for copy in copies:
                    copy.cancel()
        return self._status(arrived)

    async def _wait(
        self, timeout: float, follow_serving: bool, group: asyncio.TaskGroup, copies: list[asyncio.Task[None]]
    ) -> bool:
        loop = asyncio.get_running_loop()
        told_ready: set[Key] = set()
        try:
            async with asyncio.timeout(None) as limit:
                while True:
                    self._changed.clear()
                    for key, followed in list(self._pods.items()):
                        if not serves(followed.pod) or follow_serving:
                            copies += self._copy_new_logs(followed, group)
                        if followed.outcome.stage is Stage.READY and key not in told_ready:
                            told_ready.add(key)
                            self._story.tell(f"pod/{key.name} is Ready at {_address(followed.pod)}")
                    if self._arrived(follow_serving):
                        return True
                    await self._explain_stuck()
                    if any(followed.outcome.stage is Stage.HOPELESS for followed in self._pods.values()):
                        return False
                    if self._unsettled():
                        if limit.when() is None:
                            limit.reschedule(loop.time() + timeout)
                    else:
                        limit.reschedule(None)
                    await self._changed.wait()
        except TimeoutError:
            for key in self._unsettled():
                told = self._pods[key].outcome.stuck in self._pods[key].explained
                lines = [] if told else await self._why(key)
                self._story.tell("\n".join([f"pod/{key.name} did not get on in {timeout:g} s", *lines]))
            return False

    def _arrived(self, follow_serving: bool) -> bool:
        for key in self._wanted:
            followed = self._pods.get(key)
            if key in self._gone:
                continue
            if followed is None:
                return False
            stage = followed.outcome.stage
            if not (stage is Stage.ENDED or (stage is Stage.READY and not follow_serving)):
                return False
        return True

    def _unsettled(self) -> list[Key]:
        return [
            key
            for key, followed in self._pods.items()
            if key not in self._gone and not is_settled(followed.pod, followed.outcome.stage)
        ]

    def _status(self, arrived: bool) -> int:
        codes = [followed.outcome.exit_code for followed in self._pods.values()]
        failed = next((code for code in codes if code), 0)
        if failed:
            return failed
        return 0 if arrived and not self._gone else 1

    def _copy_new_logs(self, followed: _Followed, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        started = []
        for state in container_states(followed.pod):
            if not state.container_id or state.container_id in followed.logged or state.state == "waiting":
                continue
            followed.logged.add(state.container_id)
            prefix = prefix_of(
                followed.pod, state.name, many_pods=len(self._wanted) > 1, many_containers=followed.many_containers
            )
            started.append(group.create_task(self._copy(key_of(followed.pod), state.name, prefix)))
        return started

    async def _copy(self, key: Key, container: str, prefix: str) -> None:
        try:
            await copy_log(self._client, key.namespace, key.name, LogQuery(container, follow=True), LineWriter(prefix))
        except (StatusError, OSError) as error:
            self._story.tell(f"pod/{key.name}: no log of {container}: {text_of(error)}")

    async def _explain_stuck(self) -> None:
        for key, followed in list(self._pods.items()):
            stuck = followed.outcome.stuck
            if stuck and stuck not in followed.explained and key not in self._gone:
                followed.explained.add(stuck)
                self._story.tell("\n".join([f"pod/{key.name} is stuck", *await self._why(key)]))

    async def _why(self, key: Key) -> list[str]:
        try:
            return finding_lines(await findings(self._client, self._data_dir, key.namespace, key.name))
        except (StatusError, OSError) as error:
            return [text_of(error)]

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        if pod is None or self._uids.get(key := key_of(pod)) != uid_of(pod):
            return
        if new is None:
            if self._pods[key].outcome.stage is not Stage.ENDED:
                self._gone.add(key)
                self._story.tell(f"pod/{key.name} was deleted")
        else:
            followed = self._pods.get(key)
            if followed is None:
                followed = self._pods[key] = _Followed(
                    new, Outcome(Stage.WAITING), len(list(container_states(new))) > 1
                )
            followed.pod, followed.outcome = new, outcome_of(new)
            if followed.outcome.exit_code and not is_terminal(old or {}):
                self._story.tell(f"pod/{key.name} failed; `podwright why {key.name}` says more")
        self._changed.set()

    def _being_pulled(self) -> list[str]:
        events = [event for informer in self._events for event in informer.items()]
        found: dict[str, None] = {}
        for key, followed in self._pods.items():
            if key not in self._gone:
                about = [one for one in events if (one.get("involvedObject") or {}).get("uid") == self._uids[key]]
                found.update(dict.fromkeys(being_pulled(followed.pod, about)))
        return list(found)

    async def _weight(self, image: str) -> int:
        for followed in self._pods.values():
            if any(state.image == image for state in container_states(followed.pod)):
                return await weigh(self._client, self._data_dir, followed.pod, image)
        return 0

    def _event_seen(self, informer: Informer) -> Callable[[Object | None, Object | None], None]:
        def tell(old: Object | None, new: Object | None) -> None:
            self._pulls.wake()
            # what was there before the files were applied is about an earlier life
            if new is None or not informer.synced:
                return
            about: Mapping[str, str] = new.get("involvedObject") or {}
            key = Key(about.get("namespace") or "", about.get("name") or "")
            if (about.get("kind"), key) in self._about:
                count = event_count(new)
                often = f" (x{count})" if count > 1 else ""
                title = f"{str(about.get('kind')).lower()}/{key.name}"
                self._story.tell(f"{title} {new.get('reason')}: {str(new.get('message')).strip()}{often}")

        return tell


def _address(pod: Object) -> str:
    return str((pod.get("status") or {}).get("podIP") or "no address")
