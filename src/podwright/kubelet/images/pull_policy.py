"""What a container start does about its image: use the one that is here, pull, or refuse. Pure.

Called by the image manager. The policy itself was set when the object was created; it is only obeyed here.
Page: https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
"""

from __future__ import annotations

import enum
from typing import Final

ALWAYS: Final = "Always"
IF_NOT_PRESENT: Final = "IfNotPresent"
NEVER: Final = "Never"


class Decision(enum.Enum):
    """What happens next."""

    USE_LOCAL = "use the image that is here"
    PULL = "ask the registry"
    REFUSE = "ErrImageNeverPull"


def needs_local_image(policy: str) -> bool:
    """Whether the runtime is asked for a local image at all: Always goes to the registry in any case."""
    return policy != ALWAYS


def decide(policy: str, present: bool, may_use: bool) -> Decision:
    """`present`: the runtime has the image; `may_use`: this Pod has shown its right to it (see pull_records)."""
    if policy == ALWAYS:
        return Decision.PULL
    if present and may_use:
        return Decision.USE_LOCAL
    return Decision.REFUSE if policy == NEVER else Decision.PULL
