"""A user who is no administrator: a client certificate of the node's authority, and a role for what is measured.

Who is in `system:masters` is let in without a look at any role; everybody else has roles and bindings read for each
request, and that is what the API server's budgets are about.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from benchmarks.node import Node
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from podwright.apiserver.pki import Pki

_NAME = "benchmarks"
_RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "patch"]},
]


async def allowed_user(node: Node) -> Path:
    """The user's certificate and key, in one file that only root reads; what it may do is allowed by then."""
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": _NAME}, "rules": _RULES}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _NAME},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": _NAME},
        "subjects": [{"apiGroup": group, "kind": "User", "name": _NAME}],
    }
    file = node.data_dir.parent / "user.pem"
    if not file.exists():
        await node.client.create(CLUSTER_ROLES, role)
        await node.client.create(CLUSTER_ROLE_BINDINGS, binding)
        file.touch(mode=0o600)
        file.write_bytes(_certificate(Pki(node.data_dir / "pki")))
    return file


def _certificate(authority: Pki) -> bytes:
    """A client certificate for an hour, and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    issuer = x509.load_pem_x509_certificate(authority.ca.read_bytes())
    signing = load_pem_private_key(authority.key("ca").read_bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signing, SHA256())
    )
    return made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
