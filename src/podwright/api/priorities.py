"""The two PriorityClasses that every cluster has, and where the numbers that users may choose end.

Called by the API server's validation, its bootstrap and the Priority plugin.
Page: https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SYSTEM_PREFIX: Final = "system-"
HIGHEST_USER_PRIORITY: Final = 1_000_000_000
BUILT_IN: Final[Mapping[str, int]] = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "system-cluster-critical": "For Pods that the cluster cannot do without, wherever they run.",
    "system-node-critical": "For Pods that a node cannot do without; there is nothing above it.",
}
