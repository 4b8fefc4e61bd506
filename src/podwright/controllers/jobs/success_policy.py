"""Whether enough indexes have succeeded for a Job's successPolicy, so that the others need not.

Called by `decision`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.controllers.jobs.indexes import Indexes, parse_indexes


def met_rule(policy: Mapping[str, Any] | None, completions: int, succeeded: Indexes) -> str:
    """Which rule is met, as the condition's message tells it; "" when none is."""
    for position, rule in enumerate((policy or {}).get("rules") or ()):
        count = rule.get("succeededCount")
        named = rule.get("succeededIndexes")
        if named is None:
            met = count is not None and len(succeeded) >= count
        else:
            required = parse_indexes(named, completions)
            done = len(required & succeeded)
            met = bool(required) and (done == len(required) or (count is not None and done >= count))
        if met and succeeded:
            return f"Matched rules at index {position}"
    return ""
