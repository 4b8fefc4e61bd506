"""What each signer signs: the rules by which a request that was approved is still refused.

Pure; called by `signing.py` and `approval.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

from __future__ import annotations

from collections.abc import Sequence

from podwright.api.certificates import API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, Requested

_ENCIPHER, _SIGN, _CLIENT, _SERVER = "key encipherment", "digital signature", "client auth", "server auth"
_NODES = ["system:nodes"]
_NODE_PREFIX = "system:node:"
_CLIENT_USAGES = frozenset((_ENCIPHER, _SIGN, _CLIENT))
SIGNERS = (API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING)
"""The signers of this cluster; requests to others are left to whoever serves them."""


def refusal(signer: str, asked: Requested, usages: Sequence[str]) -> str:
    """Why a signer does not sign a request; "" when it does."""
    if signer == API_SERVER_CLIENT:
        return _client_refusal(usages)
    if signer == KUBELET_CLIENT:
        return kubelet_client_refusal(asked, usages)
    if signer == KUBELET_SERVING:
        return _kubelet_serving_refusal(asked, usages)
    return f"{signer} is no signer of this cluster"


def _client_refusal(usages: Sequence[str]) -> str:
    if _CLIENT in usages and set(usages) <= _CLIENT_USAGES:
        return ""
    return f'usages must include "{_CLIENT}" and may only include "{_SIGN}", "{_ENCIPHER}" and "{_CLIENT}"'


def kubelet_client_refusal(asked: Requested, usages: Sequence[str]) -> str:
    """Why a request is no kubelet's for its client certificate; "" when it is."""
    if list(asked.organizations) != _NODES:
        return "subject organization is not system:nodes"
    if asked.dns_names or asked.ip_addresses or asked.other_names:
        return "subjectAltNames are not allowed"
    if set(usages) not in ({_ENCIPHER, _SIGN, _CLIENT}, {_SIGN, _CLIENT}):
        return f'usages did not match ["{_ENCIPHER}" "{_SIGN}" "{_CLIENT}"]'
    return (
        "" if asked.common_name.startswith(_NODE_PREFIX) else f"subject common name does not begin with {_NODE_PREFIX}"
    )


def _kubelet_serving_refusal(asked: Requested, usages: Sequence[str]) -> str:
    if list(asked.organizations) != _NODES:
        return "subject organization is not system:nodes"
    if not asked.dns_names and not asked.ip_addresses:
        return "DNS or IP subjectAltName is required"
    if asked.other_names:
        return "Email and URI subjectAltNames are not allowed"
    if set(usages) not in ({_ENCIPHER, _SIGN, _SERVER}, {_SIGN, _SERVER}):
        return f'usages did not match ["{_ENCIPHER}" "{_SIGN}" "{_SERVER}"]'
    return (
        "" if asked.common_name.startswith(_NODE_PREFIX) else f"subject common name does not begin with {_NODE_PREFIX}"
    )
