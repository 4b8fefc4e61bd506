"""Follows what `podwright run` started: events and logs of Pods as they come, until each Pod and workload has arrived.

A Pod that serves has arrived when it is Ready, a workload when it is rolled out, what works to an end when it has
ended. Nothing is polled: objects and events are watched, logs are streamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from podwright.api.errors import StatusError
from podwright.api.objects import Key, Object, key_of, name_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import EVENTS, PODS, Resource
from podwright.cli.connection import text_of
from podwright.cli.containers import container_states
from podwright.cli.explain import event_count
from podwright.cli.followed import FollowedPod
from podwright.cli.followed_workloads import Workloads
from podwright.cli.outcome import Stage, serves
from podwright.cli.pod_logs import LineWriter, LogQuery, copy_log, prefix_of
from podwright.cli.pod_report import finding_lines, findings
from podwright.cli.pulls import PullStory, being_pulled, weigh
from podwright.cli.story import Story
from podwright.cli.workloads import FOLLOWED, pods_at_once
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, owner_uids

if TYPE_CHECKING:
    from podwright.client.http import HttpClient


class Following:
    """Watches what belongs to the files from `start` on; `applied` says of each object that it is there."""

    def __init__(
        self,
        client: HttpClient,
        data_dir: Path,
        story: Story,
        wanted: Collection[tuple[Resource, Key]],
        endpoint: str,
    ) -> None:
        """`wanted`: the objects of the files; events about them are told. `endpoint`: the runtime's."""
        self._client = client
        self._data_dir = data_dir
        self._story = story
        self._about = {(resource.kind, key) for resource, key in wanted}
        self._wanted = [key for resource, key in wanted if resource == PODS]
        self._uids: dict[Key, str] = {}
        self._pods: dict[Key, FollowedPod] = {}
        self._gone: set[Key] = set()
        self._changed = asyncio.Event()
        self._told: dict[str, str] = {}
        """by uid: how far each workload was when it was told last"""
        namespaces = sorted({key.namespace for _, key in wanted if key.namespace})
        self._events = [Informer(client, EVENTS, namespace) for namespace in namespaces]
        self._informers = [Informer(client, PODS, namespace, indexers={OWNER: owner_uids}) for namespace in namespaces]
        self._workloads = Workloads(client, wanted, self._informers, self._events, self._changed.set)
        self._pulls = PullStory(endpoint, self._being_pulled, self._weight, story.tell)

    async def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begin to watch; the tasks end when they are cancelled."""
        for informer in self._events:
            informer.add_handler(self._event_seen(informer))
        for informer in self._informers:
            informer.add_handler(self._pod_changed)
        informers = [*self._events, *self._informers, *self._workloads.informers()]
        watches = [group.create_task(informer.run()) for informer in informers]
        for informer in informers:
            await informer.wait_synced()
        return [*watches, group.create_task(self._pulls.run())]

    def applied(self, resource: Resource, obj: Object) -> None:
        """This object is one to follow, if its kind is followed; an earlier one of its name is not."""
        if resource in FOLLOWED:
            self._workloads.applied(resource, obj, _now())
        if resource != PODS:
            return
        key = key_of(obj)
        self._uids[key] = uid_of(obj)
        for informer in self._informers:
            newest = informer.by_key(key)
            if newest is not None:
                obj = newest if uid_of(newest) == uid_of(obj) else obj
        self._pod_changed(None, obj)

    async def until_arrived(self, timeout: float, *, follow_serving: bool) -> int:
        """Tell and copy until everything has arrived; the exit status of the whole.

        `timeout`: seconds that something may go without getting on by itself. `follow_serving`: stay with what
        serves, until cancelled or until it is deleted.
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
        told_ready: set[Key] = set()
        try:
            async with asyncio.timeout(None) as limit:
                while True:
                    self._changed.clear()
                    self._workloads.look(_now())
                    for followed in self._all_pods():
                        if not serves(followed.pod) or follow_serving:
                            copies += self._copy_new_logs(followed, group)
                    for key, followed in self._pods.items():
                        if followed.outcome.stage is Stage.READY and key not in told_ready:
                            told_ready.add(key)
                            self._story.tell(f"pod/{key.name} is Ready at {_address(followed.pod)}")
                    self._tell_workloads()
                    if self._arrived(follow_serving):
                        return True
                    await self._explain_stuck()
                    if self._is_hopeless():
                        return False
                    limit.reschedule(min(self._deadlines(timeout), default=None))
                    await self._until_changed()
        except TimeoutError:
            await self._tell_overdue(timeout)
            return False

    async def _until_changed(self) -> None:
        """Until there is something to look at: a change, or that a workload has stayed as it was."""
        times = [time for one in self._workloads.followed.values() if (time := one.settles_at()) is not None]
        handle = asyncio.get_running_loop().call_at(min(times), self._changed.set) if times else None
        try:
            await self._changed.wait()
        finally:
            if handle is not None:
                handle.cancel()

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
        for one in self._workloads.followed.values():
            ended = one.gone or one.progress.stage is Stage.ENDED
            if not ended and (follow_serving or not one.arrived):
                return False
        return len(self._workloads.followed) == len(self._workloads.wanted)

    def _is_hopeless(self) -> bool:
        if any(followed.outcome.stage is Stage.HOPELESS for followed in self._pods.values()):
            return True
        hopeless = [
            one for one in self._workloads.followed.values() if one.progress.stage is Stage.HOPELESS and not one.arrived
        ]
        for one in hopeless:
            self._story.tell("\n".join([f"{one.title} will not get on by itself", *one.reasons()]))
        return bool(hopeless)

    def _deadlines(self, timeout: float) -> list[float]:
        """When each of those that are waited for is given up."""
        pods = [one.deadline(timeout) for key, one in self._pods.items() if key not in self._gone]
        workloads = [one.deadline(timeout) for one in self._workloads.followed.values()]
        return [time for time in (*pods, *workloads) if time is not None]

    async def _tell_overdue(self, timeout: float) -> None:
        now = _now()
        for key, followed in list(self._pods.items()):
            if key not in self._gone and _is_over(followed.deadline(timeout), now):
                told = followed.outcome.stuck in followed.explained
                lines = [] if told else await self._why(followed)
                self._story.tell("\n".join([f"pod/{key.name} did not get on in {timeout:g} s", *lines]))
        for one in list(self._workloads.followed.values()):
            if _is_over(one.deadline(timeout), now):
                lines = one.reasons()
                if not lines and (unready := one.unready()) is not None:
                    lines = [f"pod/{name_of(unready.pod)} is not Ready", *await self._why(unready)]
                self._story.tell("\n".join([f"{one.title} did not get on: {one.progress.told}", *lines]))

    def _status(self, arrived: bool) -> int:
        workloads = self._workloads.followed.values()
        codes = [followed.outcome.exit_code for followed in self._pods.values()]
        codes += [one.progress.exit_code for one in workloads if not one.arrived or one.progress.stage is Stage.ENDED]
        failed = next((code for code in codes if code), 0)
        if failed:
            return failed
        gone = self._gone or any(one.gone and one.progress.stage is not Stage.ENDED for one in workloads)
        return 0 if arrived and not gone else 1

    def _all_pods(self) -> Iterator[FollowedPod]:
        """Those of the files, and those of workloads."""
        yield from (followed for key, followed in self._pods.items() if key not in self._gone)
        yield from self._workloads.pods()

    def _copy_new_logs(self, followed: FollowedPod, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        started = []
        several = [pods_at_once(one.seen) for one in self._workloads.followed.values()]
        many_pods = len(self._wanted) + sum(several) > 1
        for state in container_states(followed.pod):
            if not state.container_id or state.container_id in followed.logged or state.state == "waiting":
                continue
            followed.logged.add(state.container_id)
            prefix = prefix_of(followed.pod, state.name, many_pods=many_pods, many_containers=followed.many_containers)
            started.append(group.create_task(self._copy(key_of(followed.pod), state.name, prefix)))
        return started

    async def _copy(self, key: Key, container: str, prefix: str) -> None:
        try:
            await copy_log(self._client, key.namespace, key.name, LogQuery(container, follow=True), LineWriter(prefix))
        except (StatusError, OSError) as error:
            self._story.tell(f"pod/{key.name}: no log of {container}: {text_of(error)}")

    def _tell_workloads(self) -> None:
        """How far each is, where that has changed."""
        for uid, one in self._workloads.followed.items():
            told = one.told()
            if told and self._told.get(uid) != told:
                self._told[uid] = told
                self._story.tell(told)

    async def _explain_stuck(self) -> None:
        for key, followed in list(self._pods.items()):
            stuck = followed.outcome.stuck
            if stuck and stuck not in followed.explained and key not in self._gone:
                followed.explained.add(stuck)
                self._story.tell("\n".join([f"pod/{key.name} is stuck", *await self._why(followed)]))
        for one in list(self._workloads.followed.values()):
            for troubled in [] if one.arrived else one.troubled():
                if troubled.outcome.stuck not in one.explained:
                    one.explained.add(troubled.outcome.stuck)
                    lines = await self._why(troubled)
                    self._story.tell("\n".join([f"{one.title}: pod/{name_of(troubled.pod)} is stuck", *lines]))

    async def _why(self, followed: FollowedPod) -> list[str]:
        key = key_of(followed.pod)
        try:
            return finding_lines(await findings(self._client, self._data_dir, key.namespace, key.name))
        except (StatusError, OSError) as error:
            return [text_of(error)]

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        self._changed.set()
        pod = new or old
        if pod is None or self._uids.get(key := key_of(pod)) != uid_of(pod):
            return
        if new is None:
            if self._pods[key].outcome.stage is not Stage.ENDED:
                self._gone.add(key)
                self._story.tell(f"pod/{key.name} was deleted")
            return
        followed = self._pods.get(key)
        if followed is None or uid_of(followed.pod) != uid_of(new):
            followed = self._pods[key] = FollowedPod.of(new, _now())
        followed.look(new, _now())
        if followed.outcome.exit_code and not is_terminal(old or {}):
            self._story.tell(f"pod/{key.name} failed; `podwright why {key.name}` says more")

    def _being_pulled(self) -> list[str]:
        events = [event for informer in self._events for event in informer.items()]
        found: dict[str, None] = {}
        for followed in self._all_pods():
            uid = uid_of(followed.pod)
            about = [one for one in events if (one.get("involvedObject") or {}).get("uid") == uid]
            found.update(dict.fromkeys(being_pulled(followed.pod, about)))
        return list(found)

    async def _weight(self, image: str) -> int:
        for followed in self._all_pods():
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
            of_workload = self._workloads.has(about.get("uid") or "")
            wanted = (about.get("kind"), key) in self._about
            if about.get("kind") != PODS.kind or of_workload:
                # Many Pods have much to tell, and controllers try again and again: what went wrong, once, is enough.
                wanted = old is None and (wanted or (of_workload and new.get("type") == "Warning"))
            if wanted:
                count = event_count(new)
                often = f" (x{count})" if count > 1 else ""
                title = f"{str(about.get('kind')).lower()}/{key.name}"
                self._story.tell(f"{title} {new.get('reason')}: {str(new.get('message')).strip()}{often}")
            self._changed.set()

        return tell


def _address(pod: Object) -> str:
    return str((pod.get("status") or {}).get("podIP") or "no address")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_over(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now
