"""What a failed pull means to a user: which kind of failure, whether it will pass, and what to do. Pure.

Called by the puller (is another credential worth a try?) and the image manager (waiting reason and message). Runtimes
give text only, so the kind is read from it; what is not recognised stays as the runtime said it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from podwright.api.reasons import Waiting


class FailureKind(enum.Enum):
    """Why the registry gave no image."""

    NO_SUCH_HOST = "no such host"
    REFUSED = "connection refused"
    TIMED_OUT = "no answer"
    TLS = "TLS"
    PLAIN_HTTP = "plain HTTP"
    UNAUTHORIZED = "not authorized"
    NOT_FOUND = "not found"
    RATE_LIMITED = "rate limited"
    NO_PLATFORM = "no matching platform"
    NO_SPACE = "no space"
    CORRUPT = "corrupt"
    BROKEN_OFF = "broken off"
    RUNTIME_GONE = "runtime gone"
    OTHER = "other"


# In the order in which they are tried: the more telling text first.
_PATTERNS: Final = (
    (FailureKind.NO_SPACE, r"no space left on device|disk quota exceeded"),
    (FailureKind.CORRUPT, r"unexpected commit digest|digest mismatch|failed size validation|wrong diff id"),
    (FailureKind.NO_PLATFORM, r"no match for platform|no image found in manifest list|no matching manifest"),
    (FailureKind.RATE_LIMITED, r"429 Too Many Requests|toomanyrequests"),
    (
        FailureKind.UNAUTHORIZED,
        r"401 Unauthorized|403 Forbidden|authorization failed|unauthorized|pull access denied|insufficient_scope"
        r"|authentication required|no basic auth credentials|code = (PermissionDenied|Unauthenticated)",
    ),
    (FailureKind.PLAIN_HTTP, r"server gave HTTP response to HTTPS client"),
    (FailureKind.TLS, r"x509:|tls: |certificate|first record does not look like a TLS handshake"),
    (FailureKind.NO_SUCH_HOST, r"no such host|server misbehaving|Temporary failure in name resolution"),
    (FailureKind.REFUSED, r"connection refused|network is unreachable|no route to host"),
    (FailureKind.BROKEN_OFF, r"unexpected EOF|connection reset by peer|broken pipe|: EOF"),
    (FailureKind.TIMED_OUT, r"i/o timeout|deadline exceeded|Client\.Timeout|TLS handshake timeout|no active.*progress"),
    (FailureKind.NOT_FOUND, r"not found|manifest unknown|name unknown|404 Not Found|code = NotFound"),
    (FailureKind.RUNTIME_GONE, r"code = Unavailable"),
)
_COMPILED: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)

_PERMANENT: Final = {FailureKind.UNAUTHORIZED, FailureKind.NOT_FOUND, FailureKind.NO_PLATFORM}
_OUT_OF_REACH: Final = {
    FailureKind.NO_SUCH_HOST,
    FailureKind.REFUSED,
    FailureKind.TIMED_OUT,
    FailureKind.BROKEN_OFF,
}
_ANOTHER_CREDENTIAL: Final = {
    FailureKind.UNAUTHORIZED,
    FailureKind.NOT_FOUND,
    FailureKind.RATE_LIMITED,
    FailureKind.OTHER,
}


@dataclass(frozen=True, slots=True)
class PullFailure:
    """One failed attempt."""

    text: str
    """as the runtime said it"""
    kind: FailureKind

    @property
    def permanent(self) -> bool:
        """Whether it stays so until a person changes something."""
        return self.kind in _PERMANENT

    @property
    def out_of_reach(self) -> bool:
        """Whether the registry itself gave no answer."""
        return self.kind in _OUT_OF_REACH

    @property
    def another_credential_may_help(self) -> bool:
        """Registries hide private images behind "not found" too."""
        return self.kind in _ANOTHER_CREDENTIAL


def classify(text: str) -> PullFailure:
    """The failure that a runtime's error text tells of."""
    return PullFailure(text, next((kind for kind, pattern in _COMPILED if pattern.search(text)), FailureKind.OTHER))


def waiting_reason(failure: PullFailure, image: str) -> tuple[Waiting, str]:
    """Waiting reason and its message: two words with which a runtime's text may begin are reasons of their own."""
    text = failure.text.partition(" desc = ")[2] or failure.text
    if text.startswith(Waiting.REGISTRY_UNAVAILABLE):
        rest = text.removeprefix(Waiting.REGISTRY_UNAVAILABLE)
        return Waiting.REGISTRY_UNAVAILABLE, f"image pull failed for {image} because the registry is unavailable{rest}"
    if text.startswith(Waiting.SIGNATURE_VALIDATION_FAILED):
        rest = text.removeprefix(Waiting.SIGNATURE_VALIDATION_FAILED)
        return (
            Waiting.SIGNATURE_VALIDATION_FAILED,
            f"image pull failed for {image} because the signature validation failed{rest}",
        )
    return Waiting.ERR_IMAGE_PULL, failure.text


def advice(kind: FailureKind, registry: str, repository: str, tried: str) -> str:
    """What to do, for the end of the message; "" when the runtime's text says it all.

    `tried`: the credentials that were offered, by where they came from.
    """
    match kind:
        case FailureKind.NO_SUCH_HOST:
            return f"the registry host {registry} has no address: check its name and this machine's DNS"
        case FailureKind.REFUSED:
            return f"nothing listens at {registry}, or a firewall refuses: check host and port"
        case FailureKind.TIMED_OUT:
            return f"{registry} did not answer in time: check the network, proxy settings and the registry"
        case FailureKind.BROKEN_OFF:
            return f"{registry} broke the connection off; what has arrived is kept for the next attempt"
        case FailureKind.TLS:
            return (
                f"the certificate of {registry} is not trusted: name the file with its CA in "
                f'registries/{registry}/hosts.toml, as [host."https://{registry}"] and below it ca = "/path/to/ca.crt"'
            )
        case FailureKind.PLAIN_HTTP:
            return (
                f"{registry} speaks plain HTTP: allow it by the line "
                f'[host."http://{registry}"] in registries/{registry}/hosts.toml'
            )
        case FailureKind.UNAUTHORIZED:
            return f"{registry} refused {repository} ({tried})"
        case FailureKind.NOT_FOUND:
            return f"{registry} has no such name or tag in {repository}, or does not show it ({tried})"
        case FailureKind.RATE_LIMITED:
            return f"{registry} limits how often it is asked: log in, or use a mirror ({tried})"
        case FailureKind.NO_PLATFORM:
            return "the image is not made for this machine's platform"
        case FailureKind.NO_SPACE:
            return "the disk that holds images is full: free space, or run `podwright image prune`"
        case FailureKind.CORRUPT:
            return f"what {registry} sent is not what its manifest promises; it was thrown away"
        case FailureKind.RUNTIME_GONE:
            return "the container runtime does not answer"
        case _:
            return ""
