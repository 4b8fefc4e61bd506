"""How long a postStart hook may take: the annotation `podwright.dev/post-start-timeout`.

Pure. Kubernetes has no limit, so a hook that hangs holds its Pod for ever; without the annotation it is so here too.
"""

from __future__ import annotations

import re

from podwright.api.objects import Object, metadata

ANNOTATION = "podwright.dev/post-start-timeout"
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def post_start_limit(pod: Object) -> float | None:
    """Seconds, from a duration such as `90s` or `1m30s`; None: no limit.

    Raises ValueError, which names the annotation, for what is no duration: to ignore it would take the limit away.
    """
    text = (metadata(pod).get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    parts = _PART.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or seconds <= 0:
        raise ValueError(f'annotation {ANNOTATION}: "{text}" is not a duration such as 30s or 1m30s')
    return seconds
