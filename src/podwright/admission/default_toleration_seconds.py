"""DefaultTolerationSeconds: a Pod stays five minutes on a node that is not ready or not reachable.

On by default.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaulttolerationseconds
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import written_pod

SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerationSeconds:
    """Looks at Pods that are created or changed."""

    name = "DefaultTolerationSeconds"

    async def admit(self, attributes: Attributes) -> None:
        """Add what the Pod does not say itself."""
        pod = written_pod(attributes, Operation.CREATE, Operation.UPDATE)
        if pod is None:
            return
        spec = pod["spec"]
        tolerations = spec.get("tolerations") or []
        # A toleration without key or effect matches every one of them.
        said = {t.get("key") or "" for t in tolerations if (t.get("effect") or "NoExecute") == "NoExecute"}
        missing = [taint for taint in _TAINTS if taint not in said and "" not in said]
        if missing:
            spec["tolerations"] = [
                *tolerations,
                *(
                    {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
                    for taint in missing
                ),
            ]
