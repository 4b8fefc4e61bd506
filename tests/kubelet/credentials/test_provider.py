"""Exec providers: their configuration, their protocol, and what happens when they misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podwright.kubelet.credentials.provider_config import Provider, ProviderConfigError, TokenAttributes, parse, read
from podwright.kubelet.credentials.provider_files import Configured
from podwright.kubelet.credentials.provider_plugin import ProviderPlugins

V1 = "credentialprovider.kubelet.k8s.io/v1"
GOOD = {"name": "ecr", "matchImages": ["*.r.io"], "defaultCacheDuration": "5m", "apiVersion": V1}


def config(*providers: Any, version: str = "v1") -> dict[str, Any]:
    return {
        "kind": "CredentialProviderConfig",
        "apiVersion": f"kubelet.config.k8s.io/{version}",
        "providers": list(providers),
    }


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_a_configuration_of_each_version(version: str) -> None:
    (provider,) = parse(config({**GOOD, "args": ["get"], "env": [{"name": "A", "value": "b"}]}, version=version))
    assert (provider.default_cache_duration, provider.args, provider.env) == (300, ["get"], {"A": "b"})


TOKEN = {"serviceAccountTokenAudience": "aud", "requireServiceAccount": True, "cacheType": "Token"}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "kind"),
        ({**config(GOOD), "apiVersion": "v2"}, "apiVersion"),
        (config(), "providers: Required value"),
        ({**config(GOOD), "more": 1}, "more: unknown field"),
        (config({**GOOD, "name": "a/b"}), r"providers\[0\].name"),
        (config({**GOOD, "name": ".."}), r"providers\[0\].name"),
        (config({**GOOD, "matchImages": []}), r"providers\[0\].matchImages: Required value"),
        (config({**GOOD, "matchImages": ["a b"]}), r"providers\[0\].matchImages\[0\]: Invalid value"),
        (config({**GOOD, "defaultCacheDuration": None}), r"providers\[0\].defaultCacheDuration: Required value"),
        (config({**GOOD, "defaultCacheDuration": 3}), r"providers\[0\].defaultCacheDuration"),
        (config({**GOOD, "apiVersion": "v1"}), r"providers\[0\].apiVersion: Unsupported value"),
        (config({**GOOD, "typo": 1}), r"providers\[0\].typo: unknown field"),
        (config(GOOD, 3), r"providers\[1\]: expected an object"),
        (config({**GOOD, "tokenAttributes": {**TOKEN, "cacheType": "x"}}), "cacheType: Unsupported value"),
        (
            config(
                {
                    **GOOD,
                    "tokenAttributes": {
                        **TOKEN,
                        "requireServiceAccount": False,
                        "requiredServiceAccountAnnotationKeys": ["a"],
                    },
                }
            ),
            "requireServiceAccount must be true",
        ),
        (
            config({**GOOD, "apiVersion": f"{V1}beta1", "tokenAttributes": TOKEN}),
            "tokenAttributes: Forbidden: only with apiVersion",
        ),
    ],
)
def test_a_wrong_configuration_names_the_field(document: Any, says: str) -> None:
    with pytest.raises(ProviderConfigError, match=says):
        parse(document)


def test_a_folder_is_read_in_order_and_every_program_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/b.yaml").write_text(json.dumps(config({**GOOD, "name": "two"})))
    (tmp_path / "conf/a.json").write_text(json.dumps(config({**GOOD, "name": "one"})))
    (tmp_path / "conf/ignored.txt").write_text("x")
    with pytest.raises(ProviderConfigError, match=r"one did not exist.*two did not exist"):
        read(tmp_path / "conf", tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).touch(mode=0o755)
    assert [provider.name for provider in read(tmp_path / "conf", tmp_path)] == ["one", "two"]
    (tmp_path / "conf/c.yml").write_text(json.dumps(config({**GOOD, "name": "one"})))
    with pytest.raises(ProviderConfigError, match="duplicate provider name 'one'"):
        read(tmp_path / "conf", tmp_path)


PROVIDER = Provider("plugin", ["*.r.io", "r.io"], 300.0, V1)
POD = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"serviceAccountName": "sa"}}


def answer(kind: str = "Registry", **fields: Any) -> str:
    document = {
        "kind": "CredentialProviderResponse",
        "apiVersion": V1,
        "cacheKeyType": kind,
        "auth": {"*.r.io": {"username": "u", "password": "p"}, "r.io": {"username": "u", "password": "p"}},
        **fields,
    }
    return json.dumps(document)


class World:
    def __init__(self, path: Path, provider: Provider = PROVIDER, client: Any = None) -> None:
        self.path = path
        self.clock = 0.0
        self.plugins = ProviderPlugins(
            lambda: Configured([provider]), path, client, timeout=2.0, monotonic=lambda: self.clock
        )

    def install(self, script: str) -> None:
        program = self.path / "plugin"
        program.write_text(f"#!/bin/sh\nD={self.path}\ncat >> $D/requests; echo >> $D/requests\n{script}\n")
        program.chmod(0o755)

    def answers(self, text: str) -> None:
        (self.path / "answer").write_text(text)
        self.install("cat $D/answer")

    @property
    def requests(self) -> list[Any]:
        file = self.path / "requests"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    async def users(self, repository: str = "a.r.io/x") -> list[str]:
        found = await self.plugins.credentials(POD, repository)
        assert list(found.failures) == []
        return [credential.username for credential in found.credentials]


async def test_a_provider_is_asked_with_the_repository_and_its_answer_is_matched(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.answers(answer())
    assert await world.users() == ["u"]
    assert world.requests == [{"kind": "CredentialProviderRequest", "apiVersion": V1, "image": "a.r.io/x"}]
    assert await world.users("q.com/x") == []
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("kind", "runs"),
    [("Image", 3), ("Registry", 2), ("Global", 1)],
    ids=["for the image only", "for its registry", "for all"],
)
async def test_an_answer_is_remembered_as_it_says(tmp_path: Path, kind: str, runs: int) -> None:
    world = World(tmp_path)
    world.answers(answer(kind))
    for repository in ("a.r.io/x", "a.r.io/x", "a.r.io/y", "r.io/x"):
        assert await world.users(repository) == ["u"]
    assert len(world.requests) == runs


async def test_a_remembered_answer_expires_and_is_dropped_when_it_was_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.answers(answer(cacheDuration="10s"))
    await world.users()
    world.clock = 9.0
    await world.users()
    assert len(world.requests) == 1
    world.clock = 10.0
    (credential,) = (await world.plugins.credentials(POD, "a.r.io/x")).credentials
    assert len(world.requests) == 2
    world.plugins.rejected(credential)
    await world.users()
    assert len(world.requests) == 3


async def test_duration_zero_is_not_remembered(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.answers(answer(cacheDuration="0s"))
    await world.users()
    await world.users()
    assert len(world.requests) == 2


async def test_pods_that_ask_at_once_share_one_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.answers(answer())
    assert await asyncio.gather(*(world.users() for _ in range(4))) == [["u"]] * 4
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo CANARY >&2; exit 3", "exit status 3"),
        ("exec sleep 100", "no answer within"),
        ("echo CANARY", "not JSON"),
        ("echo '[\"CANARY\"]'", "no CredentialProviderResponse"),
        (f"echo '{answer(apiVersion=V1 + 'beta1')}'", "not of apiVersion"),
        (f"echo '{answer('CANARY')}'", "cacheKeyType"),
        (f"echo '{answer(cacheDuration='CANARY')}'", "cacheDuration"),
        (f"echo '{answer(auth={'r.io': 'CANARY'})}'", "without username"),
    ],
    ids=["crashes", "hangs", "garbage", "another document", "wrong version", "wrong key type", "bad time", "bad auth"],
)
async def test_a_provider_that_misbehaves_is_a_text_without_its_output(
    tmp_path: Path, script: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = Provider("plugin", ["*.r.io"], 300.0, V1)
    world = World(tmp_path, provider)
    world.plugins = ProviderPlugins(lambda: Configured([provider]), tmp_path, None, timeout=0.5)
    world.install(script)
    found = await world.plugins.credentials(POD, "a.r.io/x")
    assert list(found.credentials) == []
    (text,) = found.failures
    assert text.startswith("credential provider plugin: ")
    assert says in text
    assert "CANARY" not in text + caplog.text


async def test_a_program_that_is_gone_is_a_failure_too(tmp_path: Path) -> None:
    found = await World(tmp_path).plugins.credentials(POD, "a.r.io/x")
    assert "cannot be run" in found.failures[0]


class Accounts:
    def __init__(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations
        self.created: list[Any] = []

    async def get(self, _resource: Any, name: str, namespace: str = "") -> Any:
        return {"metadata": {"name": name, "namespace": namespace, "uid": "sa-uid", "annotations": self.annotations}}

    async def create(self, _resource: Any, obj: Any, namespace: str = "", *, name: str, subresource: str) -> Any:
        self.created.append((namespace, name, subresource, obj["spec"]))
        return {"status": {"token": "the-token"}}


ATTRIBUTES = TokenAttributes("aud", True, "ServiceAccount", ["need"], ["may"])


def with_token(attributes: TokenAttributes = ATTRIBUTES) -> Provider:
    return Provider("plugin", ["*.r.io"], 300.0, V1, token=attributes)


async def test_a_provider_may_get_the_pod_s_service_account_token(tmp_path: Path) -> None:
    accounts: Callable[..., Any] | Any = Accounts({"need": "1", "other": "2"})
    world = World(tmp_path, with_token(), accounts)
    world.answers(answer())
    (credential,) = (await world.plugins.credentials(POD, "a.r.io/x")).credentials
    assert credential.source.service_account == ("sa-uid", "ns", "sa")
    (request,) = world.requests
    assert request["serviceAccountToken"] == "the-token"
    assert request["serviceAccountAnnotations"] == {"need": "1"}
    (created,) = accounts.created
    assert created[:3] == ("ns", "sa", "token")
    assert created[3] == {
        "audiences": ["aud"],
        "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "u"},
    }


async def test_without_its_annotation_or_with_a_leaked_token_the_provider_fails(tmp_path: Path) -> None:
    world = World(tmp_path, with_token(), Accounts({}))
    assert "lacks the annotation need" in (await world.plugins.credentials(POD, "a.r.io/x")).failures[0]
    world = World(tmp_path, with_token(), Accounts({"need": "1"}))
    world.answers(answer(auth={"a.r.io": {"username": "u", "password": "the-token"}}))
    assert "cacheType is not Token" in (await world.plugins.credentials(POD, "a.r.io/x")).failures[0]
