"""What is special about RuntimeClasses.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class RuntimeClassStrategy(Strategy):
    """What is special about RuntimeClasses."""

    columns = (NAME, AGE)
