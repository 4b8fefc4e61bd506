"""`podwright registry` on files alone: what is written, what is refused, where a password may come from."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner

from podwright.cli.as_the_node import provider_paths
from podwright.cli.registry import _login, _logout, command

USER, PASSWORD = "user", "CANARY"


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """A registry that wants basic auth."""

    async def answer(request: web.Request) -> web.Response:
        right = request.headers.get("Authorization") == aiohttp.encode_basic_auth(USER, PASSWORD)
        return web.Response(status=200 if right else 401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    app = web.Application()
    app.router.add_get("/v2/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def auths(file: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(file.read_text())["auths"]
    return found


async def test_what_the_registry_takes_is_written_for_the_owner_alone_and_can_be_forgotten(
    host: str, tmp_path: Path
) -> None:
    told = await _login(tmp_path / "data", "", host, USER, PASSWORD)
    file = tmp_path / "data" / "config.json"
    assert f"has let {USER} in; written to {file}, for every Pod" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert base64.b64decode(auths(file)[host]["auth"]).decode() == f"{USER}:{PASSWORD}"
    assert "any more" in await _logout(tmp_path / "data", "", host)
    assert auths(file) == {}
    with pytest.raises(Exception, match="has nothing for"):
        await _logout(tmp_path / "data", "", host)


async def test_what_the_registry_refuses_is_not_written(host: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="401, not let in; nothing was written") as caught:
        await _login(tmp_path, "", host, USER, "not-CANARY")
    assert "CANARY" not in str(caught.value)
    assert not (tmp_path / "config.json").exists()


async def test_a_namespace_has_a_file_of_its_own(host: str, tmp_path: Path) -> None:
    assert "for Pods of namespace team" in await _login(tmp_path, "team", host, USER, PASSWORD)
    assert list(auths(tmp_path / "credentials" / "team" / "config.json")) == [host]
    assert not (tmp_path / "config.json").exists()
    with pytest.raises(Exception, match="--namespace"):
        await _login(tmp_path, "../x", host, USER, PASSWORD)


async def test_a_helper_that_the_file_names_keeps_the_secret(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-credential-keep"
    program.write_text(f'#!/bin/sh\ncat > "{tmp_path}/$1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"credHelpers": {host: "keep"}}))
    assert "kept by docker-credential-keep" in await _login(tmp_path, "", host, USER, PASSWORD)
    assert PASSWORD not in file.read_text()
    assert base64.b64encode(PASSWORD.encode()).decode() not in file.read_text()
    assert json.loads((tmp_path / "store").read_text()) == {"ServerURL": host, "Username": USER, "Secret": PASSWORD}
    await _logout(tmp_path, "", host)
    assert (tmp_path / "erase").read_text() == host


def test_a_password_is_no_argument_and_is_not_asked_for_without_a_terminal(tmp_path: Path) -> None:
    arguments = ["login", "--data-dir", str(tmp_path), "-u", "user", "reg.example"]
    assert "--password-stdin" in CliRunner().invoke(command, arguments).output
    assert "No such option" in CliRunner().invoke(command, [*arguments, "--password", "x"]).output
    assert "no password was given" in CliRunner().invoke(command, [*arguments, "--password-stdin"], input="\n").output


def test_providers_are_those_that_up_was_given() -> None:
    flags = [
        "--listen=127.0.0.1:1",
        "--image-credential-provider-config=/a=b",
        "--image-credential-provider-bin-dir=/c",
    ]
    assert provider_paths(flags) == (Path("/a=b"), Path("/c"))
    assert provider_paths(["--listen=127.0.0.1:1"]) == (None, None)
