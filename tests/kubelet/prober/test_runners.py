"""The four ways to probe, against servers on loopback and a runtime that records."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from tests.fakes.http_server import answer, http_server, silence, tcp_server
from tests.fakes.kubelet import FakeExec
from tests.fakes.ports import free_port

from podwright.cri.errors import CriError
from podwright.kubelet.interfaces import ExecResult
from podwright.kubelet.prober.grpc_health import decode_response, encode_request
from podwright.kubelet.prober.runners import ProbeOutcome, ProbeRunner, Result

CONTAINER = {"name": "web", "env": [{"name": "PORT", "value": "81"}, {"name": "X", "valueFrom": {}}]}
HOST = "127.0.0.1"


async def probe(action: dict, runs: FakeExec | None = None, timeout: float = 1) -> ProbeOutcome:
    return await ProbeRunner(runs or FakeExec()).run(action, CONTAINER, "id-1", HOST, timeout)


class TestExec:
    async def test_exit_0_passes(self) -> None:
        runs = FakeExec(ExecResult(0, b"fine", b""))
        outcome = await probe({"exec": {"command": ["check", "$(PORT)", "$(X)", "$(NO)"]}}, runs, timeout=3)
        assert outcome == ProbeOutcome(Result.SUCCESS, "fine")
        assert runs.calls == [("id-1", ["check", "81", "$(X)", "$(NO)"], 3)]

    async def test_another_exit_code_fails_with_the_output(self) -> None:
        outcome = await probe({"exec": {"command": ["x"]}}, FakeExec(ExecResult(1, b"out ", b"err\xff")))
        assert outcome == ProbeOutcome(Result.FAILURE, "out err\ufffd")

    async def test_too_long_fails(self) -> None:
        outcome = await probe({"exec": {"command": ["sleep", "10"]}}, FakeExec(failure=TimeoutError()))
        assert outcome == ProbeOutcome(Result.FAILURE, 'command timed out: "sleep 10" timed out after 1s')

    async def test_an_error_of_the_runtime_counts_neither_way(self) -> None:
        outcome = await probe({"exec": {"command": ["x"]}}, FakeExec(failure=CriError("Unknown", "no")))
        assert outcome == ProbeOutcome(Result.ERROR, "rpc error: code = Unknown desc = no")


class TestHttp:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            pytest.param(200, ProbeOutcome(Result.SUCCESS, "body"), id="200 passes"),
            pytest.param(304, ProbeOutcome(Result.SUCCESS, "body"), id="304 passes"),
            pytest.param(
                399,
                ProbeOutcome(Result.SUCCESS, "body"),
                id="399 passes",
            ),
            pytest.param(404, ProbeOutcome(Result.FAILURE, "HTTP probe failed with statuscode: 404"), id="404 fails"),
            pytest.param(500, ProbeOutcome(Result.FAILURE, "HTTP probe failed with statuscode: 500"), id="500 fails"),
        ],
    )
    async def test_status(self, status: int, expected: ProbeOutcome) -> None:
        seen: dict[str, str] = {}

        def handler(path: str, headers: dict[str, str]) -> bytes:
            seen.update(headers)
            return answer(status, b"" if status == 304 else b"body")

        async with http_server(handler) as port:
            outcome = await probe({"httpGet": {"port": port, "path": "/healthz"}})
        assert outcome.result is expected.result
        assert outcome.message == ("" if status == 304 else expected.message)
        assert seen["user-agent"] == "kube-probe/1.36"

    async def test_a_redirect_elsewhere_is_a_warning(self) -> None:
        async with http_server(lambda *_: answer(302, b"go", Location="http://example.org/")) as port:
            outcome = await probe({"httpGet": {"port": port}})
        assert outcome == ProbeOutcome(Result.WARNING, "Probe terminated redirects, Response body: go")

    async def test_nobody_listens(self) -> None:
        port = free_port()
        outcome = await probe({"httpGet": {"port": port}})
        text = f'Get "http://127.0.0.1:{port}/": dial tcp 127.0.0.1:{port}: connect: connection refused'
        assert outcome == ProbeOutcome(Result.FAILURE, text)

    async def test_a_port_that_has_no_number_counts_neither_way(self) -> None:
        outcome = await probe({"httpGet": {"port": "web"}})
        assert outcome == ProbeOutcome(Result.ERROR, 'strconv.Atoi: parsing "web": invalid syntax')


class TestTcp:
    async def test_a_connection_passes(self) -> None:
        async with tcp_server(silence) as port:
            assert (await probe({"tcpSocket": {"port": port}})).result is Result.SUCCESS

    async def test_nobody_listens(self) -> None:
        port = free_port()
        outcome = await probe({"tcpSocket": {"port": port, "host": "127.0.0.1"}})
        assert outcome == ProbeOutcome(Result.FAILURE, f"dial tcp 127.0.0.1:{port}: connect: connection refused")


class TestGrpc:
    @pytest.fixture
    async def port(self) -> AsyncIterator[int]:
        statuses = {"": b"\x08\x01", "down": b"\x08\x02", "empty": b""}

        async def check(request: str, context: grpc.aio.ServicerContext) -> bytes:
            if request == "slow":
                await asyncio.sleep(5)
            if request not in statuses:
                await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return statuses[request]

        method = grpc.unary_unary_rpc_method_handler(check, request_deserializer=lambda data: data[2:].decode())
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        yield port
        await server.stop(None)

    @pytest.mark.parametrize(
        ("service", "expected"),
        [
            pytest.param("", ProbeOutcome(Result.SUCCESS), id="serving"),
            pytest.param(
                "down",
                ProbeOutcome(Result.FAILURE, 'service unhealthy (responded with "NOT_SERVING")'),
                id="not serving",
            ),
            pytest.param(
                "empty", ProbeOutcome(Result.FAILURE, 'service unhealthy (responded with "UNKNOWN")'), id="unknown"
            ),
            pytest.param(
                "other",
                ProbeOutcome(Result.FAILURE, "error: health rpc probe failed: unknown service"),
                id="no such service",
            ),
        ],
    )
    async def test_status(self, port: int, service: str, expected: ProbeOutcome) -> None:
        assert await probe({"grpc": {"port": port, "service": service}}) == expected

    async def test_too_slow(self, port: int) -> None:
        outcome = await probe({"grpc": {"port": port, "service": "slow"}}, timeout=0.3)
        assert outcome == ProbeOutcome(Result.FAILURE, "timeout: health rpc did not complete within 0.3s")

    async def test_nobody_listens(self) -> None:
        port = free_port()
        outcome = await probe({"grpc": {"port": port}}, timeout=0.2)
        text = f'timeout: failed to connect service "127.0.0.1:{port}" within 0.2s: context deadline exceeded'
        assert outcome == ProbeOutcome(Result.FAILURE, text)

    def test_messages(self) -> None:
        assert encode_request("") == b""
        assert encode_request("a") == b"\x0a\x01a"
        assert encode_request("x" * 300)[:3] == b"\x0a\xac\x02"
        with pytest.raises(ValueError, match="not a HealthCheckResponse"):
            decode_response(b"\x10\x01")


async def test_a_probe_of_an_unknown_kind_counts_neither_way() -> None:
    assert await probe({"periodSeconds": 1}) == ProbeOutcome(Result.ERROR, "missing probe handler")
