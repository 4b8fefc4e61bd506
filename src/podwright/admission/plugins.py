"""Which plugins there are, in which order they run, and which are on.

`app.py` calls `build_chain` once. Names, order and defaults are upstream's; a plugin that upstream has and that is not
listed here does not exist. Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from podwright.admission.always_pull_images import AlwaysPullImages
from podwright.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from podwright.admission.chain import Chain
from podwright.admission.configuration import AdmissionConfiguration
from podwright.admission.default_storage_class import DefaultStorageClass
from podwright.admission.default_toleration_seconds import DefaultTolerationSeconds
from podwright.admission.image_digest import ImageDigest, ResolveDigest
from podwright.admission.limit_ranger import LimitRanger
from podwright.admission.namespace_lifecycle import NamespaceLifecycle
from podwright.admission.node_restriction import NodeRestriction
from podwright.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from podwright.admission.pod_security.plugin import PodSecurity
from podwright.admission.priority import Priority
from podwright.admission.resource_quota import ResourceQuota
from podwright.admission.runtime_class import RuntimeClass
from podwright.admission.service_account import ServiceAccount
from podwright.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from podwright.admission.webhooks.caller import Caller
from podwright.admission.webhooks.counts import Counts
from podwright.admission.webhooks.dispatch import Dispatch
from podwright.admission.webhooks.mutating import MutatingAdmissionWebhook
from podwright.admission.webhooks.source import Source
from podwright.admission.webhooks.validating import ValidatingAdmissionWebhook
from podwright.api.clock import utc_now
from podwright.api.resources import MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS
from podwright.client.interface import Client

ORDER = (
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "AlwaysPullImages",
    "ImageDigest",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
)
DEFAULT_ON = frozenset(ORDER) - {"AlwaysPullImages", "ImageDigest"}


class PluginsError(ValueError):
    """The flags name plugins in a way that cannot be meant; the text is for the user who started the server."""


def chosen(enabled: Sequence[str], disabled: Sequence[str]) -> Sequence[str]:
    """The names of the plugins that run, in order. Raises PluginsError."""
    for flag, listed in (("enable", enabled), ("disable", disabled)):
        for name in listed:
            if name not in ORDER:
                known = ", ".join(ORDER)
                raise PluginsError(f'{flag}-admission-plugins plugin "{name}" is unknown; known are: {known}')
    both = sorted(set(enabled) & set(disabled))
    if both:
        listed_both = ", ".join(both)
        raise PluginsError(f"{listed_both} in enable-admission-plugins and disable-admission-plugins overlapped")
    on = (DEFAULT_ON | set(enabled)) - set(disabled)
    return tuple(name for name in ORDER if name in on)


def build_chain(
    client: Client,
    enabled: Sequence[str] = (),
    disabled: Sequence[str] = (),
    *,
    configuration: AdmissionConfiguration | None = None,
    resolve_digest: ResolveDigest | None = None,
) -> Chain:
    """The chain for `--enable-admission-plugins` and `--disable-admission-plugins`.

    `client` is the in-process one; `configuration` is what plugins are told; `resolve_digest` is what ImageDigest asks.
    Raises PluginsError.
    """

    def image_digest() -> ImageDigest:
        if resolve_digest is None:
            raise PluginsError("ImageDigest needs a way to ask registries, and this server was built without one")
        return ImageDigest(resolve_digest)

    told = configuration or AdmissionConfiguration()
    caller, counts = Caller(), Counts()
    dispatch = Dispatch(client, caller, counts)
    makers: Mapping[str, Callable[[], Any]] = {
        "NamespaceLifecycle": lambda: NamespaceLifecycle(client),
        "LimitRanger": lambda: LimitRanger(client),
        "ServiceAccount": lambda: ServiceAccount(client),
        "NodeRestriction": lambda: NodeRestriction(client),
        "AlwaysPullImages": AlwaysPullImages,
        "ImageDigest": image_digest,
        "PodSecurity": lambda: PodSecurity(client, told.pod_security),
        "Priority": lambda: Priority(client),
        "DefaultTolerationSeconds": DefaultTolerationSeconds,
        "DefaultStorageClass": lambda: DefaultStorageClass(client),
        "StorageObjectInUseProtection": StorageObjectInUseProtection,
        "PersistentVolumeClaimResize": lambda: PersistentVolumeClaimResize(client),
        "RuntimeClass": lambda: RuntimeClass(client),
        "CertificateApproval": lambda: CertificateApproval(client),
        "CertificateSigning": lambda: CertificateSigning(client),
        "CertificateSubjectRestriction": CertificateSubjectRestriction,
        "MutatingAdmissionWebhook": lambda: MutatingAdmissionWebhook(Source(client, MUTATING_WEBHOOKS), dispatch),
        "ValidatingAdmissionWebhook": lambda: ValidatingAdmissionWebhook(Source(client, VALIDATING_WEBHOOKS), dispatch),
        "ResourceQuota": lambda: ResourceQuota(client, utc_now),
    }
    plugins = [makers[name]() for name in chosen(enabled, disabled)]
    return Chain(
        mutating=[p for p in plugins if hasattr(p, "admit")],
        validating=[p for p in plugins if hasattr(p, "validate")],
        following=[p for p in plugins if hasattr(p, "run")],
        close=caller.close,
        counts=counts,
    )
