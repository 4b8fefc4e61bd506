"""Where a webhook is reached."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.admission.webhooks.endpoint import Endpoint, NoEndpoint, endpoint_of, service_of
from podwright.api.objects import Object

NAMED = {"service": {"name": "s", "namespace": "n", "port": 443, "path": "/p"}, "caBundle": "YQ=="}


def service(**spec: Any) -> Object:
    return {"spec": {"clusterIP": "10.96.0.7", "ports": [{"port": 443}], **spec}}


def test_a_url() -> None:
    found = endpoint_of({"url": "https://h.example:8443/a"}, None)
    assert found == Endpoint("https://h.example:8443/a", "h.example", 8443, "/a", "h.example", "")
    assert endpoint_of({"url": "https://[::1]"}, None) == Endpoint("https://[::1]", "::1", 443, "/", "::1", "")
    assert service_of({"url": "https://h"}) is None


def test_a_service() -> None:
    assert service_of(NAMED) == ("n", "s")
    assert endpoint_of(NAMED, service()) == Endpoint("https://s.n.svc:443/p", "10.96.0.7", 443, "/p", "s.n.svc", "YQ==")
    assert endpoint_of({"service": {"name": "s", "namespace": "n"}}, service()).path == "/"
    elsewhere = endpoint_of(NAMED, service(type="ExternalName", externalName="h.example", clusterIP=""))
    assert (elsewhere.host, elsewhere.server_name) == ("h.example", "s.n.svc")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(None, 'service "s" not found', id="not there"),
        pytest.param(service(clusterIP="None"), 'cannot route to service with ClusterIP "None"', id="without address"),
        pytest.param(service(ports=[{"port": 1}]), 'no service port 443 found for service "s"', id="another port"),
    ],
)
def test_a_service_that_leads_nowhere(found: Object | None, words: str) -> None:
    with pytest.raises(NoEndpoint) as wrong:
        endpoint_of(NAMED, found)
    assert str(wrong.value) == words
