"""The values that a volume's fields take when they are not written.

Called by `pod_defaults.py`. Source: pkg/apis/core/v1/defaults.go and
https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/
"""

from __future__ import annotations

from typing import Any

from podwright.api import quantity
from podwright.apiserver.registry.image_policy import default_pull_policy

DEFAULT_MODE = 0o644
TOKEN_SECONDS = 3600


def default_volume(volume: dict[str, Any]) -> None:
    """Fill in one volume, in place; a volume without a source is an emptyDir."""
    for name in [n for n, value in volume.items() if value is None]:
        del volume[name]
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        if kind in volume and volume[kind].get("defaultMode") is None:
            volume[kind]["defaultMode"] = DEFAULT_MODE
    if "downwardAPI" in volume:
        _default_items(volume["downwardAPI"])
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("downwardAPI"):
            _default_items(source["downwardAPI"])
        token = source.get("serviceAccountToken")
        if token is not None and not token.get("expirationSeconds"):
            token["expirationSeconds"] = TOKEN_SECONDS
    if "hostPath" in volume and volume["hostPath"].get("type") is None:
        volume["hostPath"]["type"] = ""
    if "image" in volume and not volume["image"].get("pullPolicy"):
        volume["image"]["pullPolicy"] = default_pull_policy(volume["image"].get("reference") or "")
    _default_empty_dir(volume.get("emptyDir") or {})


def default_field_ref(holder: dict[str, Any]) -> None:
    """`fieldRef.apiVersion` of an environment variable or a downward API file."""
    reference = holder.get("fieldRef")
    if reference is not None and not reference.get("apiVersion"):
        reference["apiVersion"] = "v1"


def default_resource_ref(holder: dict[str, Any]) -> None:
    """`resourceFieldRef.divisor`, which the API always shows, in its one form."""
    reference = holder.get("resourceFieldRef")
    if reference is None:
        return
    try:
        reference["divisor"] = quantity.canonical(reference.get("divisor") or "0")
    except ValueError:
        return  # validation names it


def _default_items(source: dict[str, Any]) -> None:
    for item in source.get("items") or ():
        default_field_ref(item)
        default_resource_ref(item)


def _default_empty_dir(empty_dir: dict[str, Any]) -> None:
    if "sizeLimit" in empty_dir:
        try:
            empty_dir["sizeLimit"] = quantity.canonical(empty_dir["sizeLimit"])
        except ValueError:
            return  # validation names it
