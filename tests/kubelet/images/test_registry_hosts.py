"""Which hosts are asked for a registry's images, as containerd reads its hosts.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podwright.kubelet.images.registry_hosts import Endpoint, default_endpoint, endpoints, read

HERE = Path("/r")


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("r.io", "https://r.io"),
        ("r.io:5000", "https://r.io:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_without_a_file_it_is_https_but_for_loopback(registry: str, url: str) -> None:
    assert default_endpoint(registry) == Endpoint(url)


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({}, [Endpoint("https://r.io")]),
        ({"server": "http://other/"}, [Endpoint("http://other")]),
        (
            {"server": "https://r.io", "host": {"https://mirror": {"capabilities": ["pull", "resolve"]}}},
            [Endpoint("https://mirror"), Endpoint("https://r.io")],
        ),
        ({"host": {"https://blobs-only": {"capabilities": ["pull"]}}}, [Endpoint("https://r.io")]),
        ({"host": {"https://r.io": {"ca": "ca.crt"}}}, [Endpoint("https://r.io", [HERE / "ca.crt"])]),
        ({"host": {"https://r.io": {"ca": ["/a", "b"]}}}, [Endpoint("https://r.io", [Path("/a"), HERE / "b"])]),
        ({"host": {"https://r.io": {"skip_verify": True}}}, [Endpoint("https://r.io", [], False)]),
    ],
    ids=[
        "an empty file says nothing",
        "another server",
        "a mirror before the server",
        "a mirror that must not be asked for tags",
        "a CA beside the file",
        "several CAs",
        "no verification",
    ],
)
def test_a_file_says_which_hosts(document: dict[str, Any], wanted: list[Endpoint]) -> None:
    found = [Endpoint(one.url, list(one.ca), one.verify) for one in endpoints(document, HERE, "r.io")]
    assert found == [Endpoint(one.url, list(one.ca), one.verify) for one in wanted]


def test_a_registry_s_own_file_comes_before_the_default_one_and_a_broken_one_counts_as_none(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "hosts.toml").write_text(text)

    assert read(tmp_path, "r.io") == [Endpoint("https://r.io")]
    write("_default", 'server = "https://mirror"')
    assert read(tmp_path, "r.io") == [Endpoint("https://mirror")]
    write("r.io", 'server = "http://r.io"')
    assert read(tmp_path, "r.io") == [Endpoint("http://r.io")]
    (tmp_path / "r.io" / "hosts.toml").write_text("not toml")
    assert read(tmp_path, "r.io") == [Endpoint("https://mirror")]
