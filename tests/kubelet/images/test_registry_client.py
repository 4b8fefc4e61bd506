"""What a registry says of a name: with a password, with a token, with nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images.registry_client import Answer, RegistryClient, RegistryError, challenge, platforms

INDEX = {
    "manifests": [
        {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        {"platform": {"os": "linux", "architecture": "amd64"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {},
    ]
}
BODY = json.dumps(INDEX).encode()
RIGHT = aiohttp.encode_basic_auth("u", "p")


class Registry:
    """Answers for team/app:1; `wants` is how a right must be shown."""

    def __init__(self) -> None:
        self.wants = ""
        self.address = ""
        self.forms: list[dict[str, str]] = []

    async def manifest(self, request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "")
        if self.wants == "basic" and shown != RIGHT:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if self.wants == "bearer" and shown != "Bearer token":
            realm = f'Bearer realm="http://{self.address}/token",service="s"'
            return web.Response(status=401, headers={"WWW-Authenticate": realm})
        return web.Response(body=BODY)

    async def token(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            form = dict(await request.post())
            self.forms.append({key: str(value) for key, value in form.items()})
            return web.json_response({"access_token": "token"})
        right = request.headers.get("Authorization") == RIGHT and request.query["scope"] == "repository:team/app:pull"
        return web.json_response({"token": "token"}) if right else web.Response(status=401)


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    served = Registry()
    app = web.Application()
    app.router.add_get("/v2/team/app/manifests/1", served.manifest)
    app.router.add_get("/v2/", served.manifest)
    app.router.add_route("*", "/token", served.token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.address = f"127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@pytest.mark.parametrize("wants", ["", "basic", "bearer"])
async def test_each_way_of_showing_who_asks(registry: Registry, tmp_path: Path, wants: str) -> None:
    registry.wants = wants
    client = RegistryClient(tmp_path)
    manifest = await client.manifest(f"{registry.address}/team/app:1", [Credential("u", "no"), Credential("u", "p")])
    assert manifest.digest == f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    assert manifest.document == INDEX


async def test_an_identity_token_is_exchanged(registry: Registry, tmp_path: Path) -> None:
    registry.wants = "bearer"
    await RegistryClient(tmp_path).manifest(f"{registry.address}/team/app:1", [Credential(identity_token="it")])
    assert registry.forms[0]["refresh_token"] == "it"
    assert registry.forms[0]["grant_type"] == "refresh_token"


async def test_a_refusal_says_the_status_and_no_secret(registry: Registry, tmp_path: Path) -> None:
    registry.wants = "basic"
    client = RegistryClient(tmp_path)
    with pytest.raises(RegistryError, match=f"http://{registry.address}: answers 401") as caught:
        await client.manifest(f"{registry.address}/team/app:1", [Credential("u", "CANARY")])
    assert "CANARY" not in str(caught.value)
    with pytest.raises(RegistryError, match="answers 404"):
        await client.manifest(f"{registry.address}/team/other:1", [])
    assert await client.platforms(f"{registry.address}/team/other:1", []) == ()


def test_the_platforms_of_an_index() -> None:
    assert platforms(INDEX) == ["linux/amd64", "linux/arm/v7"]
    assert platforms({"layers": []}) == []


def test_a_challenge() -> None:
    asked = challenge('Bearer realm="http://t/token",service="a b",scope="x:y:pull"')
    assert asked == ("bearer", {"realm": "http://t/token", "service": "a b", "scope": "x:y:pull"})


async def test_one_credential_s_answer_is_asked_without_reading_anything(registry: Registry, tmp_path: Path) -> None:
    registry.wants = "bearer"
    client, image = RegistryClient(tmp_path), f"{registry.address}/team/app:1"
    host = f"http://{registry.address}"
    assert await client.ask(image, Credential("u", "p")) == Answer(host, 200)
    assert (await client.ask(image, Credential("u", "no"))).text() == "401, not let in"
    assert (await client.ask(image, None)).text() == "401, not let in"
    assert (await client.ask(image.replace("app", "none"), None)).status == 404


@pytest.mark.parametrize(
    ("image", "says"),
    [
        pytest.param("127.0.0.1:1/x:1", "connection refused", id="nothing listens"),
        pytest.param("none.invalid/x:1", "no such host", id="there is no such host"),
    ],
)
async def test_why_there_is_no_answer_is_told_in_words(tmp_path: Path, image: str, says: str) -> None:
    answer = await RegistryClient(tmp_path).ask(image, None)
    assert (answer.status, answer.text()) == (0, says)
    assert not answer.lets_in


async def test_a_host_without_tls_is_told_so(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / registry.address).mkdir()
    (tmp_path / registry.address / "hosts.toml").write_text(f'server = "https://{registry.address}"')
    answer = await RegistryClient(tmp_path).ask(f"{registry.address}/team/app:1", None)
    assert answer.text() == "its certificate is not trusted, or it speaks no TLS"


async def test_a_login_asks_the_registry_and_not_its_mirror(registry: Registry, tmp_path: Path) -> None:
    registry.wants = "basic"
    (tmp_path / registry.address).mkdir()
    hosts = f'server = "http://{registry.address}"\n[host."http://127.0.0.1:1"]\n'
    (tmp_path / registry.address / "hosts.toml").write_text(hosts)
    client = RegistryClient(tmp_path)
    assert await client.log_in(registry.address, Credential("u", "p")) == Answer(f"http://{registry.address}", 200)
    assert (await client.log_in(registry.address, Credential("u", "no"))).status == 401
