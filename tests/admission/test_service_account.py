"""The account of a Pod, and the token in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.admission.requests import pod, write
from tests.fakes.client import FakeClient

from podwright.admission.interface import Operation
from podwright.admission.service_account import MOUNT_PATH, ServiceAccount, random_suffix, token_volume
from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import SERVICE_ACCOUNTS

MIRROR = {"kubernetes.io/config.mirror": "x"}
MOUNT = {"name": "kube-api-access-abcde", "readOnly": True, "mountPath": MOUNT_PATH}


async def cluster(**account: Any) -> FakeClient:
    client = FakeClient()
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}, **account}, "default")
    return client


def plugin(client: FakeClient, patience: float = 5.0) -> ServiceAccount:
    return ServiceAccount(client, patience=patience, suffix=lambda: "abcde")


async def admitted(made: Object, **account: Any) -> dict[str, Any]:
    await plugin(await cluster(**account)).admit(write(made))
    spec: dict[str, Any] = made["spec"]
    return spec


async def test_a_pod_gets_the_default_account_and_its_token() -> None:
    spec = await admitted(pod(initContainers=[{"name": "i", "image": "i"}]))
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    assert spec["volumes"] == [token_volume("kube-api-access-abcde")]
    assert [c["volumeMounts"] for c in (*spec["containers"], *spec["initContainers"])] == [[MOUNT], [MOUNT]]


def test_the_token_volume_is_upstreams() -> None:
    assert token_volume("v")["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }


@pytest.mark.parametrize(
    ("spec", "account", "mounted"),
    [
        pytest.param({}, {}, True, id="yes unless said otherwise"),
        pytest.param({"automountServiceAccountToken": False}, {}, False, id="the Pod says no"),
        pytest.param({}, {"automountServiceAccountToken": False}, False, id="the account says no"),
        pytest.param(
            {"automountServiceAccountToken": True},
            {"automountServiceAccountToken": False},
            True,
            id="the Pod's word counts",
        ),
    ],
)
async def test_automount(spec: dict[str, Any], account: dict[str, Any], mounted: bool) -> None:
    assert ("volumes" in await admitted(pod(**spec), **account)) is mounted


async def test_a_container_that_has_something_there_is_left_alone() -> None:
    own = {"name": "mine", "mountPath": MOUNT_PATH}
    spec = await admitted(pod(containers=[{"name": "app", "image": "i", "volumeMounts": [own]}]))
    assert spec["containers"][0]["volumeMounts"] == [own]
    assert "volumes" not in spec


@pytest.mark.parametrize(
    ("own", "given"),
    [
        pytest.param([], [{"name": "pull"}], id="the account's are copied"),
        pytest.param([{"name": "mine"}], [{"name": "mine"}], id="the Pod's own stay"),
    ],
)
async def test_pull_secrets(own: list[Any], given: list[Any]) -> None:
    spec = await admitted(pod(imagePullSecrets=own), imagePullSecrets=[{"name": "pull"}])
    assert spec["imagePullSecrets"] == given


async def test_an_account_that_is_not_there() -> None:
    with pytest.raises(Forbidden) as refused:
        await admitted(pod(serviceAccountName="robot"))
    assert refused.value.message == (
        'pods "p" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found'
    )


async def test_a_default_account_that_never_comes() -> None:
    with pytest.raises(Forbidden):
        await plugin(FakeClient(), patience=0.01).admit(write(pod()))


async def test_the_default_account_of_a_new_namespace_is_waited_for() -> None:
    client, made = FakeClient(), pod()
    async with asyncio.TaskGroup() as group:
        group.create_task(plugin(client).admit(write(made)))
        while not client.called("watch", SERVICE_ACCOUNTS):
            await asyncio.sleep(0)
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    assert made["spec"]["serviceAccountName"] == "default"


async def test_updates_are_not_looked_at() -> None:
    client = FakeClient()
    await plugin(client).admit(write(pod(), Operation.UPDATE, old=pod()))
    assert client.calls == []


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param({}, "", id="a mirror Pod that asks for nothing"),
        pytest.param({"serviceAccountName": "a"}, "a mirror pod may not reference service accounts", id="an account"),
        pytest.param(
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            "a mirror pod may not reference secrets",
            id="a secret",
        ),
        pytest.param(
            {"volumes": [token_volume("v")]},
            "a mirror pod may not use ServiceAccountToken volume projections",
            id="a token",
        ),
    ],
)
async def test_mirror_pods_get_nothing_and_may_ask_for_nothing(spec: dict[str, Any], why: str) -> None:
    made = pod(**spec)
    made["metadata"]["annotations"] = MIRROR
    attributes, client = write(made), FakeClient()
    await plugin(client).admit(attributes)
    assert client.calls == []
    if not why:
        await plugin(client).validate(attributes)
        return
    with pytest.raises(Forbidden) as refused:
        await plugin(client).validate(attributes)
    assert refused.value.message == f'pods "p" is forbidden: {why}'


def test_suffixes_spell_no_words() -> None:
    assert len(random_suffix()) == 5
    assert not set(random_suffix()) & set("aeiou013")
