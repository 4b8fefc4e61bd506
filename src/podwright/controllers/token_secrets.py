"""Secrets of type kubernetes.io/service-account-token get the token of the account that they name.

The token is bound to its Secret: who deletes the Secret takes the token back. A Secret whose account is gone goes too.
Run by `manager`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller
"""

from __future__ import annotations

import base64

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Key, Object, key_of, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import SECRETS, SERVICE_ACCOUNTS
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_LONGEST_LIFE = 1 << 32
"""Seconds; the most that may be asked for, 136 years."""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def annotation(secret: Object, key: str) -> str:
    """An annotation, "" when there is none."""
    return str((metadata(secret).get("annotations") or {}).get(key) or "")


def belongs(secret: Object, account: Object | None) -> bool:
    """Whether a token Secret is of an account that is there: the one that it was first filled for."""
    return account is not None and annotation(secret, UID) in ("", uid_of(account))


class TokenSecrets:
    """Fills token Secrets and clears them away."""

    def __init__(self, client: Client, informers: Informers, pem: str) -> None:
        """`pem`: the certificates that the API server's is verified with."""
        self._client = client
        self._secrets = informers.of(SECRETS)
        self._accounts = informers.of(SERVICE_ACCOUNTS)
        self._pem = pem
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Keep it so until cancelled."""
        self._secrets.add_handler(self._secret_changed)
        self._accounts.add_handler(self._account_changed)
        await self._queue.run(self._ensure)

    def _secret_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and new.get("type") == TYPE:
            self._queue.add(key_of(new))

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None or old is None:
            return
        for secret in self._secrets.items():
            if namespace_of(secret) == namespace_of(old) and annotation(secret, NAME) == name_of(old):
                self._secret_changed(None, secret)

    async def _ensure(self, key: Key) -> None:
        secret = self._secrets.by_key(key)
        if secret is None or secret.get("type") != TYPE or metadata(secret).get("deletionTimestamp"):
            return
        name = annotation(secret, NAME)
        try:
            # Asked of the API: an account that was made a moment ago is there.
            account: Object | None = await self._client.get(SERVICE_ACCOUNTS, name, key.namespace)
        except NotFound:
            account = None
        if account is None or not belongs(secret, account):
            await self._delete(key, secret)
            return
        if secret.get("immutable"):
            return  # its author wants it as it is
        data = {**(secret.get("data") or {}), "ca.crt": _base64(self._pem), "namespace": _base64(key.namespace)}
        if not data.get("token"):
            data["token"] = _base64(await self._token(name, key, secret))
        annotations = {**(metadata(secret).get("annotations") or {}), UID: uid_of(account)}
        filled = {**secret, "data": data, "metadata": {**metadata(secret), "annotations": annotations}}
        if filled != secret:
            await self._client.update(SECRETS, filled)

    async def _token(self, account: str, key: Key, secret: Object) -> str:
        bound = {"kind": "Secret", "apiVersion": "v1", "name": key.name, "uid": uid_of(secret)}
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"boundObjectRef": bound, "expirationSeconds": _LONGEST_LIFE},
        }
        answer = await self._client.create(SERVICE_ACCOUNTS, request, key.namespace, name=account, subresource="token")
        return str(answer["status"]["token"])

    async def _delete(self, key: Key, secret: Object) -> None:
        try:
            await self._client.delete(SECRETS, key.name, key.namespace, DeleteOptions(uid=uid_of(secret)))
        except (NotFound, Conflict):
            return  # gone already, or another one by now
