"""Who may use an image that is already here: records of which credentials pulled it, kept on disk.

Used by the image manager. An intent is written before each pull and becomes a record after it, so that a crash between
the two leaves an image that must be proven, not a free one. The decisions are pure functions.
Page: https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
"""

from __future__ import annotations

import asyncio
import datetime
import enum
import hashlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podwright.api.objects import rfc3339
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images.reference import parse, written_repository

log = logging.getLogger(__name__)

_API_VERSION = "kubelet.config.k8s.io/v1beta1"


class VerificationPolicy(enum.StrEnum):
    """imagePullCredentialsVerificationPolicy"""

    NEVER_VERIFY = "NeverVerify"
    NEVER_VERIFY_PRELOADED = "NeverVerifyPreloadedImages"
    NEVER_VERIFY_ALLOWLISTED = "NeverVerifyAllowlistedImages"
    ALWAYS_VERIFY = "AlwaysVerify"


@dataclass(frozen=True, slots=True)
class Access:
    """Who has shown a right to one repository's image."""

    whole_node: bool = False
    secrets: Sequence[tuple[str, str, str, str]] = ()
    """(uid, namespace, name, hash of the credential)"""
    service_accounts: Sequence[tuple[str, str, str]] = ()
    """(uid, namespace, name)"""


@dataclass(frozen=True, slots=True)
class PulledRecord:
    """One image: access by repository as written, without tag and digest."""

    image_ref: str
    access: Mapping[str, Access] = field(default_factory=dict)


def needs_proof(policy: VerificationPolicy, allowlist: Collection[str], repository: str, pulled_by_us: bool) -> bool:
    """Whether a Pod must show its right to a present image. `allowlist`: repositories, or `prefix/*`."""
    match policy:
        case VerificationPolicy.NEVER_VERIFY:
            return False
        case VerificationPolicy.NEVER_VERIFY_PRELOADED:
            return pulled_by_us
        case VerificationPolicy.NEVER_VERIFY_ALLOWLISTED:
            return not any(
                repository.startswith(entry[:-1]) if entry.endswith("/*") else repository == entry
                for entry in allowlist
            )
        case VerificationPolicy.ALWAYS_VERIFY:
            return True


def was_preloaded(record: PulledRecord, image: str, names: Collection[str]) -> bool:
    """Whether an image that was pulled bears a name that no pull has given it: then it was put here under that name.

    The same content may be in a private repository, too, which takes nothing away from the name that was here without
    it. Only a name that the runtime has for the image counts: an id or a digest is no such name.
    """
    name = parse(image)
    pulled = {parse(repository).repository for repository in record.access}
    return bool(pulled) and name.repository not in pulled and not name.digest and str(name) in names


def proves(access: Access | None, credential: Credential) -> bool:
    """Whether a Pod with this credential may use what is recorded."""
    if access is None:
        return False
    source = credential.source
    if source.secret is not None:
        return any(entry[3] == credential.hash or (entry[0] and entry[:3] == source.secret) for entry in access.secrets)
    return source.service_account is not None and source.service_account in access.service_accounts


def granted(access: Access | None, credential: Credential | None) -> Access:
    """The access after a pull with this credential worked."""
    access = access or Access()
    if credential is None or credential.source.for_whole_node:
        return Access(whole_node=True)
    if access.whole_node:
        return access
    source = credential.source
    if source.secret is not None:
        others = [entry for entry in access.secrets if entry[:3] != source.secret]
        return replace(access, secrets=(*others, (*source.secret, credential.hash)))
    account = source.service_account
    if account is None or account in access.service_accounts:
        return access
    return replace(access, service_accounts=(*access.service_accounts, account))


def encode(record: PulledRecord, now: datetime.datetime) -> dict[str, Any]:
    """An ImagePulledRecord as JSON."""
    mapping: dict[str, Any] = {}
    for repository, access in record.access.items():
        if access.whole_node:
            mapping[repository] = {"nodePodsAccessible": True}
            continue
        mapping[repository] = {
            "kubernetesSecrets": [
                {"uid": uid, "namespace": namespace, "name": name, "credentialHash": hashed}
                for uid, namespace, name, hashed in access.secrets
            ],
            "kubernetesServiceAccounts": [
                {"uid": uid, "namespace": namespace, "name": name} for uid, namespace, name in access.service_accounts
            ],
        }
    return {
        "kind": "ImagePulledRecord",
        "apiVersion": _API_VERSION,
        "lastUpdatedTime": rfc3339(now),
        "imageRef": record.image_ref,
        "credentialMapping": mapping,
    }


def decode(document: Any) -> PulledRecord:
    """The record in a file. Raises ValueError when it is none."""
    try:
        access = {
            repository: Access(
                whole_node=entry.get("nodePodsAccessible") is True,
                secrets=[
                    (secret["uid"], secret["namespace"], secret["name"], secret["credentialHash"])
                    for secret in entry.get("kubernetesSecrets") or ()
                ],
                service_accounts=[
                    (account["uid"], account["namespace"], account["name"])
                    for account in entry.get("kubernetesServiceAccounts") or ()
                ],
            )
            for repository, entry in (document.get("credentialMapping") or {}).items()
        }
        return PulledRecord(str(document["imageRef"]), access)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not an ImagePulledRecord") from error


class PullRecords:
    """The records below `<data>/image_manager`, in memory after load()."""

    def __init__(
        self,
        data_dir: Path,
        policy: VerificationPolicy = VerificationPolicy.NEVER_VERIFY_PRELOADED,
        allowlist: Collection[str] = (),
        *,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._pulling = data_dir / "image_manager" / "pulling"
        self._pulled = data_dir / "image_manager" / "pulled"
        self._policy = policy
        self._allowlist = allowlist
        self._now = now
        self._intents: dict[str, int] = {}
        self._records: dict[str, PulledRecord] = {}
        self._given_up: set[str] = set()
        """images of pulls that were cancelled: the runtime may have finished them all the same"""
        self._unreadable: set[str] = set()
        """names of files that are no records: what they stood for must be proven again"""

    async def load(self, present: Callable[[str], Awaitable[str]]) -> None:
        """Read what is on disk; intents of pulls that a crash cut off become records that nobody has proven.

        `present(image)` is awaited for the runtime's id of an image, "" when it is not there.
        """
        self._records, cut_off = await asyncio.to_thread(self._load)
        for image in cut_off:
            image_ref = await present(image)
            record = self._records.get(image_ref) or PulledRecord(image_ref)
            repository = written_repository(image)
            if image_ref and repository not in record.access:
                await self._write(replace(record, access={**record.access, repository: Access()}))
            await asyncio.to_thread(self._remove, self._pulling, image)

    def may_use_without_proof(self, image: str, image_ref: str, names: Collection[str] = ()) -> bool:
        """Whether any Pod may use a present image, without looking up credentials. `image`: a valid reference.

        `names`: all that the runtime has for the image.
        """
        record = self._records.get(image_ref)
        begun = image in self._intents or image in self._given_up
        pulled_by_us = record is not None or begun or _file_name(image_ref) in self._unreadable
        if record is not None and not begun and was_preloaded(record, image, names):
            pulled_by_us = False
        if not needs_proof(self._policy, self._allowlist, parse(image).repository, pulled_by_us):
            return True
        access = record.access.get(written_repository(image)) if record else None
        return access is not None and access.whole_node

    async def may_use(self, image: str, image_ref: str, credentials: Sequence[Credential]) -> bool:
        """Whether a Pod with these credentials may use a present image; a rotated secret's hash is renewed."""
        record = self._records.get(image_ref)
        if record is None:
            return False
        repository = written_repository(image)
        access = record.access.get(repository)
        for credential in credentials:
            if proves(access, credential):
                renewed = granted(access, credential)
                if renewed != access:
                    await self._write(replace(record, access={**record.access, repository: renewed}))
                return True
        return False

    async def intend(self, image: str) -> None:
        """A pull begins: say so on disk before the runtime has anything. Raises OSError."""
        self._intents[image] = self._intents.get(image, 0) + 1
        if self._intents[image] == 1:
            document = {"kind": "ImagePullIntent", "apiVersion": _API_VERSION, "image": image}
            await asyncio.to_thread(_write_json, self._pulling / _file_name(image), document)

    async def failed(self, image: str) -> None:
        """The pull ended without an image."""
        await self._done(image)

    def given_up(self, image: str) -> None:
        """The pull was cancelled: what may have come of it belongs to nobody. The intent stays on disk."""
        self._given_up.add(image)
        left = self._intents.get(image, 0) - 1
        if left > 0:
            self._intents[image] = left
        else:
            self._intents.pop(image, None)

    async def pulled(self, image: str, image_ref: str, credential: Credential | None) -> None:
        """The pull worked, with this credential (None: without any). Raises OSError."""
        repository = written_repository(image)
        record = self._records.get(image_ref) or PulledRecord(image_ref)
        access = granted(record.access.get(repository), credential)
        if record.access.get(repository) != access:
            await self._write(replace(record, access={**record.access, repository: access}))
        self._given_up.discard(image)
        await self._done(image)

    async def prune(self, listed: Collection[str]) -> None:
        """Forget images that the runtime no longer lists; `listed` must be all that it does."""
        for image_ref in [ref for ref in self._records if ref not in listed]:
            del self._records[image_ref]
            await asyncio.to_thread(self._remove, self._pulled, image_ref)

    async def _done(self, image: str) -> None:
        left = self._intents.get(image, 0) - 1
        if left > 0:
            self._intents[image] = left
            return
        self._intents.pop(image, None)
        if image not in self._given_up:
            await asyncio.to_thread(self._remove, self._pulling, image)

    async def _write(self, record: PulledRecord) -> None:
        self._records[record.image_ref] = record
        self._unreadable.discard(_file_name(record.image_ref))
        await asyncio.to_thread(_write_json, self._pulled / _file_name(record.image_ref), encode(record, self._now()))

    def _load(self) -> tuple[dict[str, PulledRecord], list[str]]:
        records: dict[str, PulledRecord] = {}
        intents: list[str] = []
        for folder in (self._pulling, self._pulled):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
            for file in folder.glob("sha256-*"):
                try:
                    document = json.loads(file.read_text(encoding="utf-8"))
                    if folder is self._pulling:
                        intents.append(str(document["image"]))
                    else:
                        record = decode(document)
                        records[record.image_ref] = record
                except (ValueError, KeyError, TypeError):
                    self._unreadable.add(file.name)
                    log.warning("%s: not a record; left as it is", file)
        return records, intents

    @staticmethod
    def _remove(folder: Path, key: str) -> None:
        with suppress(FileNotFoundError):
            (folder / _file_name(key)).unlink()


def _file_name(key: str) -> str:
    return f"sha256-{hashlib.sha256(key.encode()).hexdigest()}"


def _write_json(path: Path, document: Any) -> None:
    """Whole or not at all, and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
