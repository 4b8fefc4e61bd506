"""Where handlers point to."""

import pytest

from podwright.kubelet.lifecycle.target import TargetError, http_target, join_host_port, resolve_port

CONTAINER = {"ports": [{"name": "web", "containerPort": 8080}]}


@pytest.mark.parametrize(
    ("port", "expected"),
    [pytest.param(80, 80, id="number"), pytest.param("web", 8080, id="name"), pytest.param("81", 81, id="text")],
)
def test_port(port: int | str, expected: int) -> None:
    assert resolve_port(port, CONTAINER) == expected


@pytest.mark.parametrize(
    ("port", "text"),
    [
        pytest.param("nope", 'strconv.Atoi: parsing "nope": invalid syntax', id="no such name"),
        pytest.param(0, "invalid port number: 0", id="zero"),
        pytest.param(65536, "invalid port number: 65536", id="too large"),
    ],
)
def test_port_refused(port: int | str, text: str) -> None:
    with pytest.raises(TargetError) as caught:
        resolve_port(port, CONTAINER)
    assert str(caught.value) == text


def test_addresses_of_ipv6_stand_in_brackets() -> None:
    assert join_host_port("fd00::1", 80) == "[fd00::1]:80"


@pytest.mark.parametrize(
    ("action", "url"),
    [
        pytest.param({"port": "web"}, "http://10.0.0.5:8080/", id="the Pod's address and the root"),
        pytest.param({"port": 443, "scheme": "HTTPS", "path": "a?b=c"}, "https://10.0.0.5:443/a?b=c", id="all given"),
        pytest.param({"port": 1, "host": "example.org", "path": "/x"}, "http://example.org:1/x", id="another host"),
    ],
)
def test_url(action: dict, url: str) -> None:
    assert http_target(action, CONTAINER, "10.0.0.5", "agent").url == url


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param([], [("User-Agent", "agent"), ("Accept", "*/*")], id="what is always sent"),
        pytest.param([("accept", "a/b"), ("user-agent", "me")], [("accept", "a/b"), ("user-agent", "me")], id="own"),
        pytest.param([("Accept", "")], [("User-Agent", "agent")], id="an empty Accept asks for none"),
        pytest.param(
            [("X", "1"), ("X", "2")],
            [("X", "1"), ("X", "2"), ("User-Agent", "agent"), ("Accept", "*/*")],
            id="one name twice",
        ),
    ],
)
def test_headers(given: list, sent: list) -> None:
    action = {"port": 1, "httpHeaders": [{"name": name, "value": value} for name, value in given]}
    assert http_target(action, CONTAINER, "10.0.0.5", "agent").headers == sent
