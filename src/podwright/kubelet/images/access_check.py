"""Who would get an image, without pulling it: every credential source that a pull looks at, and the registry's answers.

Called by `podwright registry check` and, for an image that could not be pulled, by `podwright why`. Credentials are
tried in the order and number in which a pull tries them; nothing of a secret is in a report.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.credentials.lookup import Considered, Found
from podwright.kubelet.images import reference
from podwright.kubelet.images.registry_client import Answer


class Lookup(Protocol):
    """credentials/lookup."""

    async def find(self, pod: Object, repository: str) -> Found:
        """Credentials of every source, in the order to try."""
        ...


class Registry(Protocol):
    """registry_client."""

    async def ask(self, image: str, credential: Credential | None) -> Answer:
        """What the registry says to one credential, or to nobody."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """One credential, and what it came to."""

    who: str
    """where it comes from and for which user; "without credentials" for none"""
    answer: Answer


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The whole way of one look-up."""

    image: str
    considered: Sequence[Considered]
    tried: Sequence[Tried]
    untried: Sequence[str] = ()
    """credentials that are not shown: one before them is let in, or the registry does not answer"""

    @property
    def lets_in(self) -> bool:
        """Whether a pull would find its way."""
        return bool(self.tried) and self.tried[-1].answer.lets_in


async def check(lookup: Lookup, registry: Registry, pod: Object, image: str) -> AccessReport:
    """Look up as for a Pod and ask the registry. Raises InvalidReferenceError."""
    wanted = reference.with_default_tag(image)
    found = await lookup.find(pod, reference.parse(wanted).repository)
    distinct: dict[str, Credential] = {}
    for one in found.credentials:
        distinct.setdefault(one.hash, one)
    tried: list[Tried] = []
    left: list[Credential | None] = [*distinct.values(), None]
    while left:
        credential = left.pop(0)
        answer = await registry.ask(wanted, credential)
        tried.append(Tried(_who(credential), answer))
        if answer.lets_in:
            left = left[:-1]  # "without credentials" is for when none of them is
            break
        if not answer.status:
            break  # whoever asks, nobody answers
    return AccessReport(wanted, found.considered, tried, [_who(one) for one in left])


def _who(credential: Credential | None) -> str:
    return credential.describe() if credential is not None else "without credentials"


def lines(report: AccessReport) -> Sequence[str]:
    """The report as text."""
    told = [f"{report.image}: where credentials were looked for"]
    for source in report.considered:
        matched = f"{source.matched} for it" if source.matched else "none for it"
        told.append(f"  {source.source}: {source.note or matched}")
    told.append("what the registry answers now")
    for one in report.tried:
        host = f" ({one.answer.host})" if one.answer.host else ""
        told.append(f"  {one.who}: {one.answer.text()}{host}")
    told += [f"  {who}: {'not needed' if report.lets_in else 'not asked'}" for who in report.untried]
    return told
