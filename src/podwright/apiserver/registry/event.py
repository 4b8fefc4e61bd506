"""What is special about Events.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class EventStrategy(Strategy):
    """What is special about Events."""

    columns = (NAME, AGE)
    allow_create_on_update = True


class EventV1Strategy(EventStrategy):
    """The events.k8s.io view of the same objects."""
