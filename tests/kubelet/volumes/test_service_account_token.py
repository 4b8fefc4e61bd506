"""Tokens of service accounts: when they are renewed, whom they belong to."""

import datetime

import pytest

from podwright.kubelet.volumes.service_account_token import common_user, refresh_time, token_request

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("life", "after"),
    [
        pytest.param(3600, 2880, id="after 80 % of an hour"),
        pytest.param(30 * 86400, 86400, id="after a day at the latest"),
    ],
)
def test_renewal(life: int, after: int) -> None:
    expires = NOW + datetime.timedelta(seconds=life)
    assert refresh_time(NOW, expires) == NOW + datetime.timedelta(seconds=after)


@pytest.mark.parametrize(
    ("of_pod", "of_containers", "expected"),
    [
        pytest.param(None, [None, None], None, id="nobody says"),
        pytest.param(1, [None, None], 1, id="the Pod says"),
        pytest.param(1, [2, 2], 2, id="the containers agree"),
        pytest.param(1, [2, None], None, id="they do not"),
        pytest.param(None, [0, 0], 0, id="root is a user"),
    ],
)
def test_owner(of_pod: int | None, of_containers: list, expected: int | None) -> None:
    containers = [{"securityContext": {"runAsUser": user}} if user is not None else {} for user in of_containers]
    spec = {"securityContext": {"runAsUser": of_pod} if of_pod is not None else {}, "containers": containers}
    assert common_user({"spec": spec}) == expected


def test_the_request_is_bound_to_the_pod() -> None:
    pod = {"metadata": {"name": "web", "uid": "u"}}
    assert token_request(pod, {"audience": "vault", "expirationSeconds": 600, "path": "t"})["spec"] == {
        "audiences": ["vault"],
        "expirationSeconds": 600,
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "u"},
    }
    assert token_request(pod, {})["spec"]["audiences"] == []
