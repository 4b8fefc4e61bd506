"""What is counted of every request, under the names that kube-apiserver uses.

One `Metrics` per server, with its own registry. Page: https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from podwright.apiserver.routes import Asked

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_LONG_SUBRESOURCES = frozenset(("exec", "attach", "portforward", "log", "proxy"))
_METHODS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH",
            "delete": "DELETE", "deletecollection": "DELETE"}  # fmt: skip


def long_running(asked: Asked) -> bool:
    """Whether a request lasts as long as its client likes, so that its duration says nothing."""
    return asked.verb == "watch" or asked.subresource in _LONG_SUBRESOURCES


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("verb", "group", "version", "resource", "subresource", "scope", "code")
        self._total = Counter("apiserver_request", "Requests by what they asked and how they were answered.", labels,
                              registry=self.registry)  # fmt: skip
        self._seconds = Histogram(
            "apiserver_request_duration_seconds", "Time to the answer, of requests that are not long-running.",
            labels[:-1], buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._inflight = Gauge("apiserver_current_inflight_requests", "Requests that are being answered.",
                               ("request_kind",), registry=self.registry)  # fmt: skip
        self._long = Gauge("apiserver_longrunning_requests", "Watches and streams that are open.", labels[:-1],
                           registry=self.registry)  # fmt: skip
        self._kinds = {name: self._inflight.labels(name) for name in ("readOnly", "mutating")}
        self._children: dict[tuple[object, ...], tuple[Counter, Histogram]] = {}

    @staticmethod
    def _labels(asked: Asked) -> tuple[str, ...]:
        scope = "resource" if asked.name else "namespace" if asked.namespace else "cluster"
        if asked.row is None:
            # Paths that do not exist must not make a time series each.
            return _METHODS.get(asked.verb, "other"), "", "", "", "", ""
        return (
            _METHODS.get(asked.verb, "other"),
            asked.group,
            asked.version,
            asked.plural,
            asked.subresource if asked.subresource in _LONG_SUBRESOURCES | set(asked.row.subresources) else "",
            scope,
        )

    def began(self, asked: Asked) -> None:
        """A request has come."""
        if long_running(asked):
            self._long.labels(*self._labels(asked)).inc()
        else:
            self._kinds["readOnly" if asked.verb in ("get", "list") else "mutating"].inc()

    def ended(self, asked: Asked, code: int, seconds: float) -> None:
        """The request has been answered."""
        labels = self._labels(asked)
        children = self._children.get((*labels, code))
        if children is None:
            children = self._total.labels(*labels, str(code)), self._seconds.labels(*labels)
            self._children[(*labels, code)] = children
        children[0].inc()
        if long_running(asked):
            self._long.labels(*labels).dec()
        else:
            children[1].observe(seconds)
            self._kinds["readOnly" if asked.verb in ("get", "list") else "mutating"].dec()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
