"""What is special about ConfigMaps.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class ConfigMapStrategy(Strategy):
    """What is special about ConfigMaps."""

    columns = (NAME, AGE)
