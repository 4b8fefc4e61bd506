"""postStart and preStop: handlers, texts, limits, delivery, what is kept."""

import asyncio
import datetime
from pathlib import Path

import pytest
from tests.fakes.http_server import answer, http_server, silence, tcp_server
from tests.fakes.kubelet import FakeEvents, FakeExec
from tests.fakes.ports import free_port
from tests.fakes.waiting import eventually

from podwright.cri.errors import CriError
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.errors import PostStartError
from podwright.kubelet.interfaces import ContainerKind, ContainerRef, ExecResult
from podwright.kubelet.lifecycle import hook_log
from podwright.kubelet.lifecycle.handlers import HandlerRunner
from podwright.kubelet.lifecycle.hook_record import HookRecords
from podwright.kubelet.lifecycle.hooks import LifecycleHooks

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
WHO = 'Container "web" in Pod "shop_default(u1)"'
IPS = ["127.0.0.1"]


class Bench:
    """Everything around the hooks of one container, as a new process would build it over the same files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.runs, self.events = FakeExec(), FakeEvents()
        self.pod: dict = {"metadata": {"name": "shop", "namespace": "default", "uid": "u1"}, "spec": {}}
        self.hooks = self.build()

    def build(self) -> LifecycleHooks:
        return LifecycleHooks(
            HandlerRunner(self.runs, lambda: NodeFacts(host_ips=["127.0.0.1"])),
            self.events,
            HookRecords(self.directory / "pods"),
            log_dir=lambda pod: self.directory / "logs",
            clock=lambda: NOW,
        )

    @property
    def ref(self) -> ContainerRef:
        return ContainerRef(self.pod, "web", ContainerKind.APP)

    def container(self, hook: str, handler: dict) -> dict:
        return {"name": "web", "lifecycle": {hook: handler}}

    async def post_start(self, handler: dict, container_id: str = "id-1") -> None:
        await self.hooks.post_start(self.ref, self.container("postStart", handler), container_id, IPS)

    async def pre_stop(self, handler: dict, grace: float = 5, container_id: str = "id-1") -> float:
        return await self.hooks.pre_stop(self.ref, self.container("preStop", handler), container_id, IPS, grace)

    def log(self) -> list[hook_log.HookRun]:
        return list(hook_log.read(self.directory / "logs"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


EXEC = {"exec": {"command": ["sh", "-c", "$(A)"]}}


class TestPostStart:
    async def test_a_command_runs_once_without_expansion_and_its_output_is_kept(self, bench: Bench) -> None:
        bench.runs.result = ExecResult(0, b"out", b"err")
        await bench.post_start(EXEC)
        await bench.post_start(EXEC)
        assert bench.runs.calls == [("id-1", ["sh", "-c", "$(A)"], 0)]
        (run,) = bench.log()
        assert (run.hook, run.handler, run.result, run.exitCode) == ("postStart", "exec", "Succeeded", 0)
        assert (run.container, run.containerID, run.output, run.outputBytes) == ("web", "id-1", "outerr", 6)
        assert bench.events.seen == []

    async def test_a_container_without_a_hook_leaves_no_trace(self, bench: Bench, tmp_path: Path) -> None:
        await bench.hooks.post_start(bench.ref, {"name": "web"}, "id-1", IPS)
        assert list(tmp_path.iterdir()) == []

    async def test_a_command_that_fails(self, bench: Bench) -> None:
        bench.runs.result = ExecResult(3, b"out\n", b"err")
        with pytest.raises(PostStartError) as caught:
            await bench.post_start(EXEC)
        assert caught.value.reason == "PostStartHookError"
        assert caught.value.message == (
            f"Exec lifecycle hook ([sh -c $(A)]) for {WHO} failed - error: "
            r"""command 'sh -c $(A)' exited with 3: err, message: "out\nerr" """.rstrip()
        )
        assert bench.events.seen == [("FailedPostStartHook", "PostStartHook failed")]
        assert bench.events.field_paths == ["spec.containers{web}"]
        assert bench.log()[0].exitCode == 3

    async def test_a_command_that_the_runtime_cannot_run(self, bench: Bench) -> None:
        bench.runs.failure = CriError("Unknown", "no such file")
        with pytest.raises(PostStartError) as caught:
            await bench.post_start(EXEC)
        assert caught.value.message == (
            f"Exec lifecycle hook ([sh -c $(A)]) for {WHO} failed - error: "
            'rpc error: code = Unknown desc = no such file, message: ""'
        )

    async def test_a_failure_is_told_again_but_not_delivered_again(self, bench: Bench) -> None:
        bench.runs.result = ExecResult(1, b"", b"")
        for _ in range(2):
            with pytest.raises(PostStartError, match="exited with 1"):
                await bench.post_start(EXEC)
        assert len(bench.runs.calls) == len(bench.events.seen) == 1

    async def test_after_a_crash_in_the_middle_it_is_delivered_again(self, bench: Bench) -> None:
        bench.runs.release = asyncio.Event()
        task = asyncio.create_task(bench.post_start(EXEC))
        await eventually(lambda: bench.runs.calls)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bench.log()[0].result == "Cancelled"
        bench.hooks = bench.build()
        bench.runs.release = None
        container = bench.container("postStart", EXEC)
        assert await bench.hooks.post_start_due(bench.ref, container, "id-1")
        await bench.post_start(EXEC)
        assert len(bench.runs.calls) == 2
        assert not await bench.hooks.post_start_due(bench.ref, container, "id-1")

    async def test_after_a_restart_of_ours_it_is_not_delivered_again(self, bench: Bench) -> None:
        await bench.post_start(EXEC)
        bench.hooks = bench.build()
        await bench.post_start(EXEC)
        assert len(bench.runs.calls) == 1
        await bench.post_start(EXEC, "id-2")
        assert len(bench.runs.calls) == 2

    async def test_a_hook_that_hangs_ends_with_the_deletion_of_its_pod(self, bench: Bench) -> None:
        bench.runs.release = asyncio.Event()
        task = asyncio.create_task(bench.post_start(EXEC))
        await eventually(lambda: bench.runs.calls)
        bench.hooks.cancel_post_start("u1")
        with pytest.raises(PostStartError, match=r"was not waited for: the Pod is being deleted$"):
            await task
        assert bench.events.seen == []
        assert bench.log()[0].result == "Cancelled"
        bench.hooks.cancel_post_start("u1")

    async def test_the_annotation_bounds_it(self, bench: Bench) -> None:
        bench.pod["metadata"]["annotations"] = {"podwright.dev/post-start-timeout": "20ms"}
        bench.runs.release = asyncio.Event()
        with pytest.raises(PostStartError, match=r"failed - error: not completed within 0.02 s$"):
            await bench.post_start(EXEC)
        assert bench.events.seen == [("FailedPostStartHook", "PostStartHook failed")]
        assert bench.log()[0].result == "TimedOut"

    async def test_an_annotation_that_is_no_duration_fails_the_hook(self, bench: Bench) -> None:
        bench.pod["metadata"]["annotations"] = {"podwright.dev/post-start-timeout": "soon"}
        with pytest.raises(PostStartError, match="is not a duration"):
            await bench.post_start(EXEC)
        assert bench.runs.calls == []

    async def test_a_handler_that_is_none(self, bench: Bench) -> None:
        with pytest.raises(PostStartError, match=r"^Cannot run handler: invalid handler:"):
            await bench.post_start({"grpc": {"port": 1}})


class TestPreStop:
    async def test_it_says_how_long_it_took(self, bench: Bench) -> None:
        assert 0.02 <= await bench.pre_stop({"sleep": {"seconds": 0.02}}) < 1
        assert bench.log()[0].handler == "sleep"

    async def test_a_sleep_of_zero(self, bench: Bench) -> None:
        assert await bench.pre_stop({"sleep": {"seconds": 0}}) < 1

    async def test_no_longer_than_the_grace_period(self, bench: Bench) -> None:
        bench.runs.release = asyncio.Event()
        assert 0.05 <= await bench.pre_stop(EXEC, grace=0.05) < 1
        assert bench.events.seen == []
        assert bench.log()[0].result == "TimedOut"

    async def test_no_grace_no_hook(self, bench: Bench) -> None:
        assert await bench.pre_stop(EXEC, grace=0) == 0
        assert bench.runs.calls == []

    async def test_a_failure_is_an_event_only(self, bench: Bench) -> None:
        bench.runs.result = ExecResult(1, b"secret", b"")
        await bench.pre_stop(EXEC)
        assert bench.events.seen == [("FailedPreStopHook", "PreStopHook failed")]
        assert bench.log()[0].output == "secret"

    async def test_once_for_each_container(self, bench: Bench) -> None:
        await bench.pre_stop(EXEC)
        assert await bench.pre_stop(EXEC) == 0
        assert len(bench.runs.calls) == 1
        await bench.pre_stop(EXEC, container_id="id-2")
        assert len(bench.runs.calls) == 2


class TestHttpGet:
    async def test_who_asks(self, bench: Bench) -> None:
        seen: dict[str, str] = {}

        def handler(path: str, headers: dict[str, str]) -> bytes:
            seen.update(headers, path=path)
            return answer(200, b"hello")

        async with http_server(handler) as port:
            await bench.post_start({"httpGet": {"port": port, "path": "/start?a=1"}})
        assert (seen["path"], seen["user-agent"], seen["accept"]) == ("/start?a=1", "kube-lifecycle/1.36", "*/*")
        assert (bench.log()[0].httpStatus, bench.log()[0].output) == (200, "hello")

    async def test_any_answer_is_a_success_and_a_bad_one_is_told(self, bench: Bench) -> None:
        async with http_server(lambda *_: answer(500)) as port:
            await bench.post_start({"httpGet": {"port": port}})
        text = "HTTP lifecycle hook was answered with status 500; any answer counts as success"
        assert bench.events.seen == [("LifecycleHTTPStatus", text)]
        assert bench.log()[0].httpStatus == 500

    async def test_nobody_listens(self, bench: Bench) -> None:
        port = free_port()
        with pytest.raises(PostStartError) as caught:
            await bench.post_start({"httpGet": {"port": port, "path": "/x"}})
        assert caught.value.message == (
            f'HTTP lifecycle hook (/x) for {WHO} failed - error: Get "http://127.0.0.1:{port}/x": '
            f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        )

    async def test_https_answered_in_clear_is_tried_again_without_credentials(self, bench: Bench) -> None:
        seen: dict[str, str] = {}

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(1024)
            if first.startswith(b"GET"):
                seen["request"] = first.decode().lower()
                writer.write(answer(200))
            else:
                writer.write(answer(400))

        headers = [{"name": "Authorization", "value": "Bearer x"}, {"name": "X-Y", "value": "z"}]
        async with tcp_server(serve) as port:
            await bench.post_start({"httpGet": {"port": port, "scheme": "HTTPS", "httpHeaders": headers}})
        text = f"request to HTTPS lifecycle hook 127.0.0.1:{port} got HTTP response, retry with HTTP succeeded"
        assert bench.events.seen == [("LifecycleHTTPFallback", text)]
        assert "authorization" not in seen["request"]
        assert "x-y: z" in seen["request"]

    async def test_a_port_that_has_no_number(self, bench: Bench) -> None:
        with pytest.raises(PostStartError, match=r'strconv\.Atoi: parsing "web": invalid syntax'):
            await bench.post_start({"httpGet": {"port": "web"}})

    async def test_a_pod_without_an_address(self, bench: Bench) -> None:
        container = bench.container("postStart", {"httpGet": {"port": 80}})
        with pytest.raises(PostStartError, match="failed to find networking container"):
            await bench.hooks.post_start(bench.ref, container, "id-1", [])

    async def test_on_the_host_network_it_is_the_nodes(self, bench: Bench) -> None:
        bench.pod["spec"]["hostNetwork"] = True
        async with http_server(lambda *_: answer(200)) as port:
            container = bench.container("postStart", {"httpGet": {"port": port}})
            await bench.hooks.post_start(bench.ref, container, "id-1", [])


class TestTcpSocket:
    async def test_connected_is_success(self, bench: Bench) -> None:
        async with tcp_server(silence) as port:
            await bench.post_start({"tcpSocket": {"port": port}})
        assert bench.log()[0].handler == "tcpSocket"

    async def test_nobody_listens(self, bench: Bench) -> None:
        port = free_port()
        with pytest.raises(PostStartError) as caught:
            await bench.post_start({"tcpSocket": {"port": port, "host": "127.0.0.1"}})
        assert caught.value.message == (
            f"TCP lifecycle hook (127.0.0.1:{port}) for {WHO} failed - error: "
            f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
