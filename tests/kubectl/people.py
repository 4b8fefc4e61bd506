"""Kubectl as somebody else than the administrator."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.kubectl.tool import Kubectl


def printed(kubectl: Kubectl, *arguments: str, within: float = 20.0) -> str:
    """What a command prints as soon as it prints anything."""
    deadline = time.monotonic() + within
    while not (said := kubectl(*arguments)):
        assert time.monotonic() < deadline, f"nothing from kubectl {' '.join(arguments)} within {within} s"
        time.sleep(0.1)
    return said


def with_user(kubectl: Kubectl, folder: Path, **user: str) -> Kubectl:
    """Kubectl with these credentials and no others."""
    config: dict[str, Any] = json.loads(kubectl.kubeconfig.read_text())
    config["users"][0]["user"] = user
    file = folder / f"kubeconfig-{len(list(folder.iterdir()))}"
    file.write_text(json.dumps(config))
    return replace(kubectl, kubeconfig=file)


def await_account(kubectl: Kubectl, account: str = "default") -> None:
    """Return once the service account is there: the first one of a namespace is made by a controller."""
    printed(kubectl, "get", "serviceaccount", account, "--ignore-not-found", "-o", "name")


def with_account(kubectl: Kubectl, folder: Path, account: str = "default") -> Kubectl:
    """Kubectl with a token of a service account of its namespace."""
    await_account(kubectl, account)
    return with_user(kubectl, folder, token=kubectl("create", "token", account).strip())


class Applicant:
    """Somebody who wants a certificate."""

    def __init__(self, name: str, *groups: str) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(self._key, SHA256())
        self._request = made.public_bytes(Encoding.PEM)

    def request(self, **spec: Any) -> str:
        """The CertificateSigningRequest of the applicant's name, as a manifest."""
        fields = {
            "request": base64.b64encode(self._request).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
            **spec,
        }
        meta = {"name": self.name}
        return json.dumps(
            {
                "apiVersion": "certificates.k8s.io/v1",
                "kind": "CertificateSigningRequest",
                "metadata": meta,
                "spec": fields,
            }
        )

    def with_certificate(self, kubectl: Kubectl, folder: Path) -> Kubectl:
        """Kubectl as the applicant, once the request has its certificate."""
        certificate = printed(kubectl, "get", "csr", self.name, "-o", "jsonpath={.status.certificate}")
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        data = {"client-certificate-data": certificate, "client-key-data": base64.b64encode(key).decode()}
        return with_user(kubectl, folder, **data)
