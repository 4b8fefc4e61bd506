"""Tokens by which a Pod speaks to the API as its service account; a source of projected volumes.

A token is asked for through the API, bound to the Pod (it ends with it), and replaced in good time.
Page: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from podwright.api.errors import StatusError
from podwright.api.objects import Object, name_of, namespace_of, parse_time, uid_of
from podwright.api.resources import SERVICE_ACCOUNTS
from podwright.kubelet.volumes.collect import Collected, Collector, VolumeSourceError

DEFAULT_SECONDS = 3600
_LONGEST = datetime.timedelta(hours=24)
_OWNER_ONLY = 0o600


def refresh_time(issued: datetime.datetime, expires: datetime.datetime) -> datetime.datetime:
    """When a token should be replaced: after 80 % of its life, and after 24 hours at the latest."""
    return issued + min((expires - issued) * 0.8, _LONGEST)


def common_user(pod: Object) -> int | None:
    """The user that every container of the Pod runs as, where the Pod says so; it shall own the token."""
    spec = pod.get("spec") or {}
    of_pod = (spec.get("securityContext") or {}).get("runAsUser")
    users: set[int | None] = set()
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            own = (container.get("securityContext") or {}).get("runAsUser")
            users.add(of_pod if own is None else own)
    return users.pop() if len(users) == 1 else None


def token_request(pod: Object, source: Object) -> dict[str, Any]:
    """The TokenRequest for a serviceAccountToken source."""
    audience = source.get("audience")
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {},
        "spec": {
            "audiences": [audience] if audience else [],
            "expirationSeconds": source.get("expirationSeconds") or DEFAULT_SECONDS,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name_of(pod), "uid": uid_of(pod)},
        },
    }


async def collect(collector: Collector, source: Object, default_mode: int) -> Collected:
    """The token, new if need be, at the path of the source. Raises VolumeSourceError when the API gives none."""
    pod = collector.pod
    spec = pod.get("spec") or {}
    account = spec.get("serviceAccountName") or "default"
    request = token_request(pod, source)
    key = json.dumps([source["path"], request])
    if (known := collector.tokens.get(key)) and known.refresh_at and known.refresh_at > collector.now:
        return known
    try:
        answer = await collector.client.create(
            SERVICE_ACCOUNTS, request, namespace_of(pod), name=account, subresource="token"
        )
    except (StatusError, OSError) as error:
        raise VolumeSourceError(f"failed to fetch token: {error}") from None
    status = answer["status"]
    user = common_user(pod)
    shared = (spec.get("securityContext") or {}).get("fsGroup") is None and user is None
    collected = Collected(refresh_at=refresh_time(collector.now, parse_time(status["expirationTimestamp"])))
    collected.add(source["path"], status["token"].encode(), default_mode if shared else _OWNER_ONLY, user)
    collector.tokens[key] = collected
    return collected
