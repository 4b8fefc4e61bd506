"""What the claims of a Pod without a node wait for: part of `why`, since the Pod itself is told little of it.

`findings` is pure; `of_pod` reads the claims and their events.
Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from podwright.api.errors import NotFound
from podwright.api.objects import Object, metadata, namespace_of, uid_of
from podwright.api.resources import EVENTS, PERSISTENT_VOLUME_CLAIMS
from podwright.api.volumes import claims_of, class_of, is_bound, spec_of
from podwright.cli.explain import Finding, event_time

if TYPE_CHECKING:
    from podwright.client.http import HttpClient

_ADVICE: Mapping[str, str] = {
    "FailedBinding": "make a PersistentVolume for it, or a claim with a class of `kubectl get storageclass`",
    "ProvisioningFailed": "delete the claim, and make one that its class can serve: `kubectl describe storageclass`",
    "VolumeMismatch": "ask for what the volume has, or name another one",
    "ExternalProvisioning": "see whether that provisioner runs",
    "ClaimLost": "delete the claim, and make one anew; what it held is gone",
}


async def of_pod(client: HttpClient, pod: Object) -> list[Finding]:
    """The findings about the claims of a Pod that has no node; none for any other Pod."""
    names = list(dict.fromkeys(name for _, name, _ in claims_of(pod)))
    if spec_of(pod).get("nodeName") or not names:
        return []
    found = await asyncio.gather(*(_claim(client, name, namespace_of(pod)) for name in names))
    claims = {name: claim for name, (claim, _) in zip(names, found, strict=True)}
    return findings(claims, [event for _, events in found for event in events])


async def _claim(client: HttpClient, name: str, namespace: str) -> tuple[Object | None, Sequence[Object]]:
    try:
        claim = await client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace)
    except NotFound:
        return None, ()
    events = await client.list(EVENTS, namespace, field_selector=f"involvedObject.uid={uid_of(claim)}")
    return claim, events.items


def findings(claims: Mapping[str, Object | None], events: Sequence[Object]) -> list[Finding]:
    """What each claim that has no volume waits for; `events` are those about the claims."""
    return [_finding(name, claim, events) for name, claim in claims.items() if claim is None or not is_bound(claim)]


def _finding(name: str, claim: Object | None, events: Sequence[Object]) -> Finding:
    if claim is None:
        return Finding(f"the claim {name} is not there", (), "create it: a PersistentVolumeClaim of that name")
    if metadata(claim).get("deletionTimestamp"):
        return Finding(f"the claim {name} is being deleted", (), "wait until it is gone, then create it anew")
    own = [e for e in events if (e.get("involvedObject") or {}).get("uid") == uid_of(claim)]
    # Events tell their time in seconds: of those of one second the warning came last.
    newest = max(own, key=lambda e: (event_time(e), e.get("type") == "Warning"), default={})
    said = tuple(str(newest["message"]).splitlines()) if newest.get("message") else ()
    of_class = f" (storage class {class_of(claim)})" if class_of(claim) else ""
    return Finding(f"the claim {name} has no volume yet{of_class}", said, _ADVICE.get(newest.get("reason") or "", ""))
