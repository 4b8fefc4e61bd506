"""What tests of private registries share: credentials, providers, certificates, and who could see a password."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import json
import os
import re
import secrets
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.objects import Object

USER = "tenant"
CANARY = f"canary-{secrets.token_hex(8)}"
"""the password: nothing that the node writes may have it in it"""
_ANSWER = {"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1"}
PROGRAM = """#!/bin/sh
cat > "$FOLDER/request.json"
echo run >> "$FOLDER/runs"
. "$FOLDER/behaviour"
"""


@dataclass(frozen=True)
class Provider:
    """An exec credential provider that does what a test says."""

    folder: Path
    name: str
    port: int
    """it is asked for images of 127.0.0.1 at this port"""

    @property
    def runs(self) -> int:
        """How often it was run."""
        file = self.folder / "runs"
        return len(file.read_text().splitlines()) if file.exists() else 0

    @property
    def request(self) -> dict[str, Any]:
        """What it was last asked."""
        asked: dict[str, Any] = json.loads((self.folder / "request.json").read_text())
        return asked

    def does(self, script: str) -> None:
        """Lines of shell."""
        (self.folder / "behaviour").write_text(script)

    def answers(self, password: str, user: str = USER, **more: Any) -> None:
        """With a pair for its registry."""
        auth = {f"127.0.0.1:{self.port}": {"username": user, "password": password}}
        answer = {**_ANSWER, "cacheKeyType": "Registry", "cacheDuration": "0s", "auth": auth, **more}
        (self.folder / "answer.json").write_text(json.dumps(answer))
        self.does('cat "$FOLDER/answer.json"\n')

    def config(self) -> dict[str, Any]:
        """Its entry in the CredentialProviderConfig."""
        return {
            "name": self.name,
            "matchImages": [f"127.0.0.1:{self.port}"],
            "defaultCacheDuration": "0s",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "env": [{"name": "FOLDER", "value": str(self.folder)}],
        }


@dataclass(frozen=True)
class Setting:
    """A node whose kubelet has two providers."""

    node: RunningNode
    plain: Provider
    token: Provider
    """gets the token of the Pod's service account"""
    command_lines: set[bytes]
    """of every process that was seen, kubectl's aside: what a user types is the user's"""


@contextmanager
def watched_processes() -> Iterator[set[bytes]]:
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = process.read_bytes()
                except OSError:
                    continue
                if b"kubectl" not in line:
                    seen.add(line)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def write_config(folder: Path, providers: list[dict[str, Any]]) -> Path:
    file = folder / "providers.json"
    document = {"kind": "CredentialProviderConfig", "apiVersion": "kubelet.config.k8s.io/v1", "providers": providers}
    draft = folder / "draft"
    draft.write_text(json.dumps(document))
    draft.replace(file)
    return file


def token_config(provider: Provider) -> dict[str, Any]:
    return provider.config() | {
        "tokenAttributes": {
            "serviceAccountTokenAudience": "registry.tests",
            "requireServiceAccount": True,
            "cacheType": "ServiceAccount",
        }
    }


def docker_config(*entries: tuple[str, str, str]) -> str:
    """A config.json of (server, user, password)."""
    auths = {
        server: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()} for server, user, password in entries
    }
    return json.dumps({"auths": auths})


def secret(name: str, config: str) -> Object:
    """A pull secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": config},
    }


def named(*names: str) -> dict[str, Any]:
    """The Pod's field."""
    return {"imagePullSecrets": [{"name": name} for name in names]}


def write_private(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)


async def podwright(setting: Setting, verb: str, *arguments: str, code: int = 0, stdin: str = "") -> str:
    """What it printed; the loop, and with it the tests' proxies, goes on meanwhile."""
    process = await asyncio.create_subprocess_exec(
        PODWRIGHT, *verb.split(), "--data-dir", setting.node.data_dir, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        printed, _ = await process.communicate(stdin.encode())
    assert process.returncode == code, printed.decode()
    return printed.decode()


def certificates(folder: Path) -> ssl.SSLContext:
    """A CA (ca.crt) and a certificate for loopback that it has signed."""
    now = datetime.datetime.now(datetime.UTC)

    def made(name: str, key: Any, issuer: x509.Name, signer: Any, *extensions: x509.ExtensionType) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        day = datetime.timedelta(days=1)
        number = x509.random_serial_number()
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), number, now - day, now + day)
        for one in extensions:
            builder = builder.add_extension(one, critical=False)
        return builder.sign(signer, hashes.SHA256())

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca of the tests")])
    ca = made("ca of the tests", authority, issuer, authority, x509.BasicConstraints(ca=True, path_length=None))
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = made("registry", key, issuer, authority, loopback)
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(ca.public_bytes(pem))
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


def disguises(text: str) -> list[bytes]:
    """The text, and what of it can be seen in base64 wherever it begins."""
    found = [text.encode()]
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + text.encode())
        found.append(encoded[4 if before else 0 : -4])
    return found


def readable_by_others(folder: Path, hidden: re.Pattern[bytes]) -> Iterator[Path]:
    """Files with the password that another user of the machine could read."""
    try:
        mode = folder.lstat().st_mode
        below = list(folder.iterdir()) if stat.S_ISDIR(mode) and mode & stat.S_IXOTH else []
        if stat.S_ISREG(mode) and mode & stat.S_IROTH and hidden.search(folder.read_bytes()):
            yield folder
    except FileNotFoundError:
        return  # the node goes on meanwhile: gone is not readable
    for path in below:
        yield from readable_by_others(path, hidden)
