"""projected volumes: several sources in one directory.

Called by the manager. Page: https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.kubelet.volumes import config_map, downward_api, secret, service_account_token
from podwright.kubelet.volumes.collect import Collected, Collector, VolumeSourceError

DIRECTORY = "kubernetes.io~projected"


async def collect(collector: Collector, source: Object, default_mode: int) -> Collected:
    """The files of all sources. Raises VolumeSourceError, UnreadableReference."""
    collected = Collected()
    for part in source.get("sources") or ():
        collected.merge(await _part(collector, part, default_mode))
    return collected


async def _part(collector: Collector, part: Object, default_mode: int) -> Collected:
    if "serviceAccountToken" in part:
        return await service_account_token.collect(collector, part["serviceAccountToken"], default_mode)
    if "configMap" in part:
        return await config_map.collect(collector, part["configMap"], default_mode)
    if "secret" in part:
        return await secret.collect(collector, part["secret"], default_mode)
    if "downwardAPI" in part:
        return downward_api.collect(collector, part["downwardAPI"], default_mode)
    kinds = ", ".join(part) or "nothing"
    raise VolumeSourceError(
        f"a projected source of {kinds} is not supported here; "
        "use serviceAccountToken, configMap, secret or downwardAPI"
    )
