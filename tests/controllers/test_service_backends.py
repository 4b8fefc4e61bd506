from __future__ import annotations

from typing import Any

from podwright.api.objects import Object
from podwright.controllers.endpoint_slice import slice_body, slices
from podwright.controllers.endpoints import subsets
from podwright.controllers.service_backends import backends


def service(**spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}, {"name": "metrics", "port": 9000}]
    return {
        "metadata": {"name": "s", "namespace": "ns", "uid": "su", "labels": {"x": "y"}},
        "spec": {"selector": {"app": "a"}, "ports": ports, "clusterIP": "10.0.0.1", **spec},
    }


def pod(name: str, ip: str = "10.1.0.1", *, ready: bool = True, web: int = 8080, **fields: Any) -> Object:
    spec = fields.pop("spec", {})
    return {
        "metadata": {"name": name, "namespace": "ns", "uid": f"u-{name}", "labels": {"app": "a"}, **fields},
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": web}]}],
            **spec,
        },
        "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": str(ready)}], "phase": "Running"},
    }


def written(subject: Object, *pods: Object) -> list[Object]:
    return [slice_body(subject, one) for one in slices(subject, backends(subject, pods))]


def test_a_slice_names_ready_and_unready_pods() -> None:
    (one,) = written(service(), pod("b", ready=False), pod("a"), pod("c", deletionTimestamp="x"))
    assert [e["targetRef"]["name"] for e in one["endpoints"]] == ["a", "b", "c"]
    assert [e["conditions"] for e in one["endpoints"]] == [
        {"ready": True, "serving": True, "terminating": False},
        {"ready": False, "serving": False, "terminating": False},
        {"ready": False, "serving": True, "terminating": True},
    ]
    assert one["ports"] == [
        {"name": "http", "protocol": "TCP", "port": 8080},
        {"name": "metrics", "protocol": "TCP", "port": 9000},
    ]
    assert one["metadata"]["labels"] == {
        "x": "y",
        "kubernetes.io/service-name": "s",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert one["metadata"]["ownerReferences"][0]["uid"] == "su"


def test_a_service_with_an_address_is_not_called_headless_by_its_own_label() -> None:
    labelled = service()
    labelled["metadata"]["labels"]["service.kubernetes.io/headless"] = ""
    assert "service.kubernetes.io/headless" not in written(labelled)[0]["metadata"]["labels"]
    labelled["spec"]["clusterIP"] = "None"
    assert "service.kubernetes.io/headless" in written(labelled)[0]["metadata"]["labels"]


def test_pods_that_have_ended_have_no_address_or_other_labels_are_left_out() -> None:
    ended, nowhere, other = pod("ended"), pod("nowhere", ip=""), pod("other")
    ended["status"]["phase"] = "Succeeded"
    other["metadata"]["labels"] = {"app": "b"}
    assert [one["endpoints"] for one in written(service(), ended, nowhere, other)] == [[]]


def test_pods_that_serve_a_named_port_elsewhere_have_their_own_slice() -> None:
    assert [one["ports"][0]["port"] for one in written(service(), pod("a"), pod("b", web=9090))] == [8080, 9090]


def test_a_headless_service_names_its_pods() -> None:
    headless = service(clusterIP="None", publishNotReadyAddresses=True)
    known = pod("a", ready=False, spec={"hostname": "db-0", "subdomain": "s"})
    (one,) = written(headless, known)
    assert one["endpoints"][0]["hostname"] == "db-0"
    assert one["endpoints"][0]["conditions"]["ready"] is True
    assert one["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert "hostname" not in written(service(), pod("a", spec={"hostname": "h"}))[0]["endpoints"][0]


def test_a_slice_holds_a_hundred() -> None:
    assert [len(one["endpoints"]) for one in written(service(), *(pod(f"p{n:03}") for n in range(250)))] == [
        100,
        100,
        50,
    ]


def test_each_ip_family_has_its_slice() -> None:
    both = pod("a")
    both["status"]["podIPs"] = [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}]
    found = written(service(ipFamilies=["IPv6", "IPv4"]), both)
    assert [(one["addressType"], one["endpoints"][0]["addresses"]) for one in found] == [
        ("IPv6", ["fd00::1"]),
        ("IPv4", ["10.1.0.1"]),
    ]


def test_subsets_tell_ready_from_not_ready() -> None:
    subject = service()
    found = subsets(
        subject, backends(subject, [pod("a"), pod("b", "10.1.0.2", ready=False), pod("c", deletionTimestamp="x")])
    )
    assert len(found) == 1
    assert [a["ip"] for a in found[0]["addresses"]] == ["10.1.0.1"]
    assert [a["ip"] for a in found[0]["notReadyAddresses"]] == ["10.1.0.2"]
    assert found[0]["ports"] == [
        {"port": 8080, "protocol": "TCP", "name": "http"},
        {"port": 9000, "protocol": "TCP", "name": "metrics"},
    ]
    assert subsets(subject, []) == []
