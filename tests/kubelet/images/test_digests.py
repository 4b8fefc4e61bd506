"""A tag's digest is asked for with the Pod's own credentials; what goes wrong is one of two kinds of error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.kubelet.images.fakes import FakeCredentials

from podwright.api.resources import SERVICE_ACCOUNTS
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.credentials.lookup import Found
from podwright.kubelet.images.digests import Digests
from podwright.kubelet.images.registry_client import Manifest, RegistryClient, RegistryError

POD = {"metadata": {"name": "p", "namespace": "ns"}}
MINE = Credential("u", "p")


class OneImage(RegistryClient):
    """Has r.io/private:1, for one credential."""

    async def manifest(self, image: str, credentials: Sequence[Credential]) -> Manifest:
        if image != "r.io/private:1" or MINE not in credentials:
            raise RegistryError("https://r.io: answers 401")
        return Manifest("sha256:1", POD)


async def test_the_digest_is_asked_with_the_pod_s_credentials() -> None:
    digests = Digests(FakeClient(), FakeCredentials([MINE]), OneImage(Path("/none")))
    assert await digests.resolve("r.io/private:1", POD) == "sha256:1"


async def test_a_template_s_pods_will_have_the_secrets_of_their_service_account() -> None:
    client, asked = FakeClient(), list[Any]()
    account = {"metadata": {"name": "builder"}, "imagePullSecrets": [{"name": "theirs"}]}
    await client.create(SERVICE_ACCOUNTS, account, "ns")

    class Credentials(FakeCredentials):
        async def find(self, pod: Any, repository: str) -> Found:
            asked.append(pod["spec"].get("imagePullSecrets"))
            return Found([MINE])

    digests = Digests(client, Credentials(), OneImage(Path("/none")))
    for spec in (
        {"serviceAccountName": "builder"},
        {"serviceAccountName": "builder", "imagePullSecrets": [{"name": "own"}]},
        {"serviceAccountName": "none"},
    ):
        await digests.resolve("r.io/private:1", {"metadata": {"namespace": "ns"}, "spec": spec})
    assert asked == [[{"name": "theirs"}], [{"name": "own"}], None]


async def test_a_registry_s_refusal_is_an_os_error_and_a_bad_name_a_value_error() -> None:
    digests = Digests(FakeClient(), FakeCredentials([]), OneImage(Path("/none")))
    with pytest.raises(OSError, match="answers 401"):
        await digests.resolve("r.io/private:1", POD)
    with pytest.raises(ValueError, match="invalid reference format"):
        await digests.resolve("r.io/UPPER:1", POD)
