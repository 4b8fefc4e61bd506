"""config.json, .dockercfg, pull secrets, helpers, and the order in which all of them are tried."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from podwright.api.errors import NotFound
from podwright.kubelet.credentials import helpers, pull_secrets
from podwright.kubelet.credentials.docker_config import (
    DockerConfig,
    DockerConfigError,
    decode_auth,
    parse_config_json,
    parse_dockercfg,
)
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.credentials.lookup import Considered, CredentialLookup, ProviderAnswer
from podwright.kubelet.credentials.node_config import ConfigFiles

HERE = Source("here")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"username": "u", "password": "p"}, Credential("u", "p", source=HERE)),
        ({"auth": b64("u:p:q")}, Credential("u", "p:q", source=HERE)),
        ({"auth": b64("u:pw").rstrip("=")}, Credential("u", "pw", source=HERE)),
        ({"auth": b64("a:b"), "username": "u", "password": "p"}, Credential("a", "b", source=HERE)),
        ({"identitytoken": "t"}, Credential(identity_token="t", source=HERE)),
    ],
    ids=["a pair", "auth, split at the first colon", "auth without padding", "auth wins", "an identity token"],
)
def test_an_entry(entry: dict[str, Any], expected: Credential) -> None:
    config = parse_config_json(json.dumps({"auths": {"r.io": entry}}), HERE)
    assert [one.credential for one in config.entries] == [expected]
    assert parse_dockercfg(json.dumps({"r.io": entry}), HERE).entries == config.entries


@pytest.mark.parametrize("entry", [{"auth": "CANARY!"}, {"auth": b64("CANARY")}, {"auth": 3}, "CANARY", 3])
def test_a_broken_entry_is_named_without_its_content_and_the_others_are_used(entry: Any) -> None:
    config = parse_config_json(json.dumps({"auths": {"bad.io": entry, "good.io": {"auth": b64("u:p")}}}), HERE)
    assert [one.server for one in config.entries] == ["good.io"]
    assert len(config.problems) == 1
    assert "bad.io" in config.problems[0]
    assert "CANARY" not in config.problems[0]


@pytest.mark.parametrize("text", ["CANARY", "[]", '{"auths": []}', "[" * 100_000])
def test_a_file_that_is_none_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(DockerConfigError) as caught:
        parse_config_json(text, HERE)
    assert "CANARY" not in str(caught.value)


def test_an_empty_entry_left_by_a_credential_store_is_no_credential() -> None:
    assert parse_config_json('{"auths": {"r.io": {}}, "credsStore": "pass"}', HERE) == DockerConfig(
        entries=[], store="pass", problems=[]
    )


def test_auth_without_a_colon_is_refused() -> None:
    with pytest.raises(DockerConfigError, match=r"base64\(username:password\)"):
        decode_auth(b64("nocolon"))


class FakeClient:
    def __init__(self, secrets: dict[tuple[str, str], dict[str, Any]]) -> None:
        self.secrets = secrets

    async def get(self, _resource: Any, name: str, namespace: str = "") -> dict[str, Any]:
        try:
            return self.secrets[namespace, name]
        except KeyError:
            raise NotFound.of("secrets", name) from None


def secret(name: str, auths: Any, kind: str = "kubernetes.io/dockerconfigjson") -> dict[str, Any]:
    key = ".dockerconfigjson" if kind.endswith("json") else ".dockercfg"
    content = {"auths": auths} if kind.endswith("json") else auths
    return {
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}"},
        "type": kind,
        "data": {key: b64(json.dumps(content))},
    }


def pod(*names: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
        "spec": {"imagePullSecrets": [{"name": name} for name in names]},
    }


async def test_secrets_are_read_from_the_pod_s_namespace_and_missing_ones_are_named() -> None:
    client: Any = FakeClient(
        {
            ("ns", "new"): secret("new", {"r.io": {"auth": b64("new:p")}}),
            ("ns", "old"): secret("old", {"r.io": {"auth": b64("old:p")}}, "kubernetes.io/dockercfg"),
            ("ns", "other"): {**secret("other", {"r.io": {"auth": b64("x:p")}}), "type": "Opaque"},
            ("elsewhere", "theirs"): secret("theirs", {"r.io": {"auth": b64("theirs:p")}}),
            ("ns", "broken"): secret("broken", {"r.io": {"auth": "!"}}),
        }
    )
    found = await pull_secrets.read(client, pod("new", "", "theirs", "old", "other", "gone", "broken"))
    assert [entry.credential.username for entry in found.entries] == ["new", "old"]
    assert found.entries[0].credential.source == Source("secret ns/new", secret=("uid-new", "ns", "new"))
    assert found.missing == ["theirs", "gone"]
    assert len(found.problems) == 1
    assert found.problems[0].startswith("secret ns/broken: entry 'r.io'")


class FakeProviders:
    async def credentials(self, _pod: Any, _repository: str) -> ProviderAnswer:
        return ProviderAnswer([Credential("provider")], [Considered("provider x", 1)], ["provider y failed"])

    def rejected(self, _credential: Credential) -> None:
        raise AssertionError


async def test_secrets_come_first_then_the_namespace_s_file_the_node_s_and_providers(tmp_path: Path) -> None:
    for folder, user in ((tmp_path, "node"), (tmp_path / "credentials/ns", "namespace")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": {"r.io": {"auth": b64(f"{user}:p")}}}))
    client: Any = FakeClient({("ns", "s"): secret("s", {"r.io": {"auth": b64("secret:p")}})})
    lookup = CredentialLookup(client, ConfigFiles(tmp_path, None), FakeProviders())
    found = await lookup.find(pod("s"), "r.io/x")
    assert [credential.username for credential in found.credentials] == ["secret", "namespace", "node", "provider"]
    assert found.provider_failures == ["provider y failed"]
    elsewhere = {**pod(), "metadata": {"namespace": "elsewhere"}}
    found = await lookup.find(elsewhere, "r.io/x")
    assert [credential.username for credential in found.credentials] == ["node", "provider"]


async def test_a_changed_config_json_counts_at_the_next_look_up(tmp_path: Path) -> None:
    files = ConfigFiles(tmp_path, None)
    assert files.node().entries == ()
    for user in ("first", "second-user"):
        (tmp_path / "config.json").write_text(json.dumps({"auths": {"r.io": {"auth": b64(f"{user}:p")}}}))
        assert [entry.credential.username for entry in files.node().entries] == [user]


def test_the_first_readable_file_counts_and_files_are_not_merged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    (home / ".docker/config.json").write_text(json.dumps({"auths": {"r.io": {"auth": b64("home:p")}}}))
    files = ConfigFiles(tmp_path / "data", home)
    assert [entry.credential.username for entry in files.node().entries] == ["home"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/config.json").write_text('{"auths": {}}')
    assert files.node().entries == []


@pytest.mark.parametrize(
    ("config", "repository", "asked"),
    [
        (DockerConfig(helpers={"r.io": "ecr"}), "r.io/x", ("ecr", "r.io")),
        (DockerConfig(helpers={"r.io": "ecr"}, store="pass"), "q.io/x", ("pass", "q.io")),
        (DockerConfig(store="pass"), "docker.io/library/x", ("pass", "https://index.docker.io/v1/")),
        (
            DockerConfig(helpers={"https://index.docker.io/v1/": "hub"}),
            "docker.io/a/b",
            ("hub", "https://index.docker.io/v1/"),
        ),
        (DockerConfig(), "r.io/x", None),
    ],
)
def test_which_helper_is_asked(config: DockerConfig, repository: str, asked: tuple[str, str] | None) -> None:
    assert helpers.helper_for(config, repository) == asked


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def install(script: str) -> None:
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return install


async def test_a_helper_gets_the_server_and_gives_user_and_secret(helper: Any) -> None:
    helper('read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"')
    (entry,) = await helpers.ask("test", "r.io")
    assert (entry.credential.username, entry.credential.password) == ("r.io", "s")


async def test_what_a_namespace_s_file_gives_counts_as_a_secret_of_that_namespace(tmp_path: Path, helper: Any) -> None:
    helper('cat >/dev/null; echo \'{"Username":"helped","Secret":"s"}\'')
    file = tmp_path / "credentials" / "ns" / "config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"auths": {"r.io": {"auth": b64("u:p")}}, "credHelpers": {"r.io": "test"}}))
    found = await CredentialLookup(None, ConfigFiles(tmp_path, None)).find(pod(), "r.io/x")
    assert [credential.username for credential in found.credentials] == ["u", "helped"]
    assert {credential.source.secret for credential in found.credentials} == {
        ("credentials/ns/config.json", "ns", "config.json")
    }


async def test_a_helper_s_token_is_an_identity_token(helper: Any) -> None:
    helper('cat >/dev/null; echo \'{"Username":"<token>","Secret":"s"}\'')
    (entry,) = await helpers.ask("test", "r.io")
    assert entry.credential.identity_token == "s"


@pytest.mark.parametrize("script", ["exit 1", "echo CANARY", "echo '[]'", "exec sleep 100"])
async def test_a_helper_that_fails_gives_nothing_and_shows_nothing(
    helper: Any, script: str, caplog: pytest.LogCaptureFixture
) -> None:
    helper(script)
    assert list(await helpers.ask("test", "r.io", timeout=0.3)) == []
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("name", ["nowhere-to-be-found", "../x"])
async def test_a_helper_that_is_not_there_gives_nothing(name: str) -> None:
    assert list(await helpers.ask(name, "r.io")) == []
