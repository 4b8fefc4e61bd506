"""ServiceAccount: every Pod runs as an account, and finds that account's token where clients look for it.

On by default. Page: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal, written_pod
from podwright.api.errors import NotFound
from podwright.api.objects import Object, copy_object
from podwright.api.pods import containers, is_mirror, spec_of
from podwright.api.resources import SERVICE_ACCOUNTS
from podwright.client.interface import Client

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607
"""Slightly odd, as upstream has it: tokens asked for by this plugin can be told from a user's own."""
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SOURCE = random.Random()
"""Names need not be secret, only apart from each other."""


def random_suffix() -> str:
    """Five characters that spell no words."""
    return "".join(_SOURCE.choices(_LETTERS, k=5))


class ServiceAccount:
    """Looks at Pods that are created."""

    name = "ServiceAccount"

    def __init__(self, client: Client, *, patience: float = 5.0, suffix: Callable[[], str] = random_suffix) -> None:
        """`patience`: seconds to wait for the default account of a namespace that was made a moment ago.

        The volume's name need only be apart from a Pod's others. It is drawn once, so that Pods of one template
        stay alike to the letter (see `apiserver/alike.py`).
        """
        self._client = client
        self._patience = patience
        self._volume_name = VOLUME_PREFIX + suffix()

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden when the account does not exist."""
        pod = written_pod(attributes, Operation.CREATE)
        if pod is None or is_mirror(pod):
            return
        spec = pod["spec"]
        name = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self._account(attributes, name)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = copy_object(account["imagePullSecrets"])
        if wants_token(spec, account):
            mount_token(spec, self._volume_name)

    async def validate(self, attributes: Attributes) -> None:
        """A mirror Pod shows what runs from a file: it cannot get anything from the API. Raises Forbidden."""
        pod = written_pod(attributes, Operation.CREATE)
        if pod is None or not is_mirror(pod):
            return
        spec = spec_of(pod)
        if spec.get("serviceAccountName"):
            raise refusal(attributes, "a mirror pod may not reference service accounts")
        if _references_secrets(spec):
            raise refusal(attributes, "a mirror pod may not reference secrets")
        for volume in spec.get("volumes") or ():
            for source in (volume.get("projected") or {}).get("sources") or ():
                if source.get("serviceAccountToken") is not None:
                    raise refusal(attributes, "a mirror pod may not use ServiceAccountToken volume projections")

    async def _account(self, attributes: Attributes, name: str) -> Object:
        try:
            return await self._client.get(SERVICE_ACCOUNTS, name, attributes.namespace)
        except NotFound:
            pass
        if name == DEFAULT_ACCOUNT:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._appearing(name, attributes.namespace)
            except TimeoutError:
                pass
        missing = f'serviceaccount "{name}" not found'
        raise refusal(attributes, f"error looking up service account {attributes.namespace}/{name}: {missing}")

    async def _appearing(self, name: str, namespace: str) -> Object:
        """The account as soon as its controller has made it."""
        selector = f"metadata.name={name}"
        while True:
            found = await self._client.list(SERVICE_ACCOUNTS, namespace, field_selector=selector)
            if found.items:
                return found.items[0]
            async with self._client.watch(
                SERVICE_ACCOUNTS, namespace, resource_version=found.resource_version, field_selector=selector
            ) as events:
                async for event in events:
                    if event.type in ("ADDED", "MODIFIED"):
                        return event.object


def wants_token(spec: dict[str, Any], account: Object) -> bool:
    """Whether the token is mounted: the Pod's word, else the account's, else yes."""
    for holder in (spec, account):
        wanted = holder.get("automountServiceAccountToken")
        if wanted is not None:
            return bool(wanted)
    return True


def mount_token(spec: dict[str, Any], volume_name: str) -> None:
    """Mount the token in every container that has nothing mounted at its place, in place."""
    volumes = spec.get("volumes") or []
    present = next((v["name"] for v in volumes if (v.get("name") or "").startswith(VOLUME_PREFIX)), None)
    mount = {"name": present or volume_name, "readOnly": True, "mountPath": MOUNT_PATH}
    mounted = False
    for at in containers(spec, ("initContainers", "containers")):
        mounts = at.container.get("volumeMounts") or []
        if any(m.get("mountPath") == MOUNT_PATH for m in mounts):
            continue
        at.container["volumeMounts"] = [*mounts, dict(mount)]
        mounted = True
    if mounted and present is None:
        spec["volumes"] = [*volumes, token_volume(volume_name)]


def token_volume(name: str) -> dict[str, Any]:
    """The volume with the token, the cluster's CA and the namespace."""
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "name": name,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
            ],
        },
    }


def _references_secrets(spec: dict[str, Any]) -> bool:
    if spec.get("imagePullSecrets"):
        return True
    if any("secret" in v for v in spec.get("volumes") or ()):
        return True
    return any(
        (variable.get("valueFrom") or {}).get("secretKeyRef") is not None
        for at in containers(spec)
        for variable in at.container.get("env") or ()
    ) or any(source.get("secretRef") for at in containers(spec) for source in at.container.get("envFrom") or ())
