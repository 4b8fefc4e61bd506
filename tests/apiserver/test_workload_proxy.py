"""Requests to the servers of Pods, through the API server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.conftest import Served

from podwright.api.errors import BadRequest, Unavailable
from podwright.api.resources import PODS, SERVICE_ACCOUNTS
from podwright.apiserver import workload_proxy
from podwright.apiserver.forward import Target
from podwright.apiserver.workload_proxy import (
    Backend,
    check_address,
    link_through,
    parse_name,
    pod_address,
    service_addresses,
)

TARGET = Target("10.0.0.1", 8080, "/")


def pod(ip: str = "10.0.0.1", *ports: int) -> dict[str, Any]:
    containers = [{"name": f"c{port}", "ports": [{"containerPort": port}]} for port in ports]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers}, "status": {"podIP": ip} if ip else {}}


def service(*ports: tuple[str, int]) -> dict[str, Any]:
    return {
        "metadata": {"name": "s"},
        "spec": {"ports": [{"name": n, "port": p} if n else {"port": p} for n, p in ports]},
    }


def endpoints(name: str, port: int, *ips: str) -> dict[str, Any]:
    return {
        "subsets": [
            {
                "addresses": [{"ip": ip} for ip in ips],
                "ports": [{"name": name, "port": port} if name else {"port": port}],
            },
            {"notReadyAddresses": [{"ip": "10.9.9.9"}], "ports": [{"name": name, "port": port}]},
        ]
    }


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        pytest.param("web", Backend("http", "web", ""), id="a name"),
        pytest.param("web:80", Backend("http", "web", "80"), id="a port"),
        pytest.param("https:web:", Backend("https", "web", ""), id="a scheme without a port"),
        pytest.param("https:web:tls", Backend("https", "web", "tls"), id="a scheme and a port's name"),
    ],
)
def test_what_a_name_asks_for(text: str, backend: Backend) -> None:
    assert parse_name(text) == backend


@pytest.mark.parametrize("text", ["ftp:web:80", "a:b:c:d"])
def test_a_name_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="want NAME, NAME:PORT or http"):
        parse_name(text)


def test_where_a_pod_serves() -> None:
    assert pod_address(pod("10.0.0.1", 8080, 9090), "") == ("10.0.0.1", 8080)
    assert pod_address(pod("10.0.0.1", 8080), "7") == ("10.0.0.1", 7)
    assert pod_address(pod("10.0.0.1"), "") == ("10.0.0.1", 80)
    with pytest.raises(Unavailable, match='pod "p" has no address yet'):
        pod_address(pod(""), "80")
    with pytest.raises(BadRequest, match='port "http" of pod "p" is not a number'):
        pod_address(pod(), "http")


@pytest.mark.parametrize(
    ("ports", "asked", "there"),
    [
        pytest.param([("", 80)], "", endpoints("", 8080, "10.0.0.1", "10.0.0.2"), id="the only port"),
        pytest.param([("", 80)], "80", endpoints("", 8080, "10.0.0.1", "10.0.0.2"), id="by its number"),
        pytest.param([("a", 80), ("b", 81)], "b", endpoints("b", 8080, "10.0.0.1", "10.0.0.2"), id="by its name"),
    ],
)
def test_a_service_is_its_ready_endpoints(ports: list[tuple[str, int]], asked: str, there: dict[str, Any]) -> None:
    assert service_addresses(service(*ports), there, asked) == [("10.0.0.1", 8080), ("10.0.0.2", 8080)]


@pytest.mark.parametrize(
    ("ports", "asked", "there", "text"),
    [
        pytest.param(
            [("a", 80)],
            "b",
            endpoints("a", 1, "10.0.0.1"),
            'no service port "b" found for service "s"',
            id="no such port",
        ),
        pytest.param([("a", 80)], "a", endpoints("a", 1), 'no endpoints available for service "s"', id="nobody ready"),
        pytest.param([("a", 80)], "a", None, 'no endpoints available for service "s"', id="nobody at all"),
    ],
)
def test_a_service_that_nobody_serves(ports: Any, asked: str, there: Any, text: str) -> None:
    with pytest.raises(Unavailable, match=text):
        service_addresses(service(*ports), there, asked)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "224.0.0.1"])
def test_what_listens_for_this_machine_alone_is_out_of_reach(host: str) -> None:
    with pytest.raises(BadRequest, match="address not allowed"):
        check_address(host)


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        pytest.param("/a?b=c#d", "/p/a?b=c#d", id="a path of the server"),
        pytest.param("http://10.0.0.1:8080/a", "/p/a", id="its own address"),
        pytest.param("https://example.org/a", "https://example.org/a", id="somebody else"),
        pytest.param("next", "next", id="a relative one stays"),
    ],
)
def test_redirections_lead_through_the_proxy(text: str, leads: str) -> None:
    assert link_through(text, TARGET, "/p") == leads


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/page":
            return web.Response(text='<a href="/x?a=b&amp;c">é</a>', content_type="text/html", charset="latin-1")
        if request.path == "/long":
            return web.Response(text=LINK + " " * workload_proxy.PAGE_LIMIT, content_type="text/html")
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/there"})
        said = f"{request.method} {request.path_qs} {await request.text()}".strip()
        told = {
            "X-Authorization": request.headers.get("Authorization", "none"),
            "X-Mine": request.headers.get("X-Mine", ""),
        }
        return web.Response(text=said, status=418 if request.path == "/teapot" else 200, headers=told)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def with_pod(served: Served, echo: int, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A Pod on loopback, which is allowed here alone."""
    monkeypatch.setattr(workload_proxy, "check_address", lambda host: None)
    spec = {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": echo}]}]}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": spec}
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    await served.admin.create(PODS, made, "default")
    await served.admin.patch(PODS, "p", {"status": {"podIP": "127.0.0.1"}}, "default", subresource="status")
    return served


LINK = '<a href="/x">t</a>'
BASE = "/api/v1/namespaces/default/pods/p/proxy"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_and_its_body_arrive(with_pod: Served, method: str) -> None:
    body = {"a": 1} if method in ("POST", "PUT", "PATCH") else None
    answer = await with_pod.ask(method, f"{BASE}/a//b%20c/?d=e", body, X_Mine="yes")
    sent = json.dumps(body, separators=(",", ":")) if body else ""
    assert (answer.code, answer.text) == (200, f"{method} /a//b%20c/?d=e {sent}".strip())
    assert (answer.headers["X-Authorization"], answer.headers["X-Mine"]) == ("none", "yes")


async def test_answers_come_as_they_are(with_pod: Served) -> None:
    assert (await with_pod.ask("GET", f"{BASE}/teapot")).code == 418
    # followed by the client: the first answer is a redirection
    assert (await with_pod.ask("GET", f"{BASE}?a=b")).text == "GET /?a=b"
    assert (await with_pod.ask("GET", f"{BASE}/moved")).text == "GET /there"


async def test_links_of_pages_lead_through_the_proxy(with_pod: Served) -> None:
    answer = await with_pod.ask("GET", f"{BASE}/page")
    assert answer.text == f'<a href="{BASE}/x?a=b&amp;c">é</a>'
    port = (await with_pod.admin.get(PODS, "p", "default"))["spec"]["containers"][0]["ports"][0]["containerPort"]
    by_port = f"/api/v1/namespaces/default/pods/http:p:{port}/proxy"
    assert f'"{by_port}/x?a=b&amp;c"' in (await with_pod.ask("GET", f"{by_port}/page")).text


async def test_a_very_long_page_comes_as_it_is(with_pod: Served) -> None:
    answer = await with_pod.ask("GET", f"{BASE}/long")
    assert answer.text == LINK + " " * workload_proxy.PAGE_LIMIT


async def test_a_pod_that_does_not_answer_is_told(with_pod: Served) -> None:
    answer = await with_pod.ask("GET", "/api/v1/namespaces/default/pods/p:1/proxy/")
    assert (answer.code, answer.json["reason"]) == (503, "ServiceUnavailable")
    assert answer.json["message"].startswith("error trying to reach service: ")
    assert (await with_pod.ask("GET", "/api/v1/namespaces/default/pods/none/proxy/")).code == 404


async def test_loopback_is_refused_through_the_server_too(served: Served) -> None:
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "i"}]}}  # fmt: skip
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    await served.admin.create(PODS, made, "default")
    await served.admin.patch(PODS, "q", {"status": {"podIP": "127.0.0.1"}}, "default", subresource="status")
    answer = await served.ask("GET", "/api/v1/namespaces/default/pods/q/proxy/")
    assert (answer.code, answer.json["message"]) == (400, "address not allowed: 127.0.0.1")
