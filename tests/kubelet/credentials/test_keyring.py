"""Which credentials are for an image: every example of the Images page and of the reference, and properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.credentials.keyring import Credential, Entry, Source, index_key, lookup, matches


@pytest.mark.parametrize(
    ("key", "image", "wanted"),
    [
        ("*.kubernetes.io", "kubernetes.io", False),
        ("*.kubernetes.io", "abc.kubernetes.io", True),
        ("*.*.kubernetes.io", "abc.kubernetes.io", False),
        ("*.*.kubernetes.io", "abc.def.kubernetes.io", True),
        ("prefix.*.io", "prefix.kubernetes.io", True),
        ("*-good.kubernetes.io", "prefix-good.kubernetes.io", True),
        ("my-registry.io/images", "my-registry.io/images", True),
        ("my-registry.io/images", "my-registry.io/images/my-image", True),
        ("my-registry.io/images", "my-registry.io/images/another-image", True),
        ("my-registry.io/images", "my-registry.io/another-image", False),
        ("my-registry.io/images", "my-registry.io/images-evil/x", False),
        ("my-registry.io/images/", "my-registry.io/images", False),
        ("my-registry.io/images/", "my-registry.io/images/x", True),
        ("*.my-registry.io/images", "sub.my-registry.io/images/x", True),
        ("*.my-registry.io/images", "a.sub.my-registry.io/images/x", False),
        ("*.my-registry.io/images", "a.b.sub.my-registry.io/images/x", False),
        ("*.my-registry.io/images", "my-registry.io/images/x", False),
        ("reg.io", "reg.io:5000/x", False),
        ("*.io:5000", "reg.io:5000/x", True),
        ("reg.io:*", "reg.io:5000/x", False),
        ("reg.io/*", "reg.io/x", False),
        ("REG.io", "reg.io/x", False),
        ("*", "localhost/x", True),
        ("docker.io", "docker.io/library/busybox", True),
        ("index.docker.io", "docker.io/library/busybox", False),
        ("*.docker.io", "docker.io/library/busybox", False),
    ],
)
def test_a_key_and_an_image(key: str, image: str, wanted: bool) -> None:
    assert matches(key, image) is wanted


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("https://index.docker.io/v1/", "index.docker.io"),
        ("my.io", "my.io"),
        ("my.io/", "my.io"),
        ("http://plain.io/v2/x", "plain.io/x"),
        ("my.io:443", "my.io:443"),
        ("r?g.io", None),
        ("[reg].io", None),
        ("", None),
        ("a b", None),
    ],
)
def test_the_key_of_a_server(server: str, key: str | None) -> None:
    assert index_key(server) == key


SERVERS = [
    "https://index.docker.io/v1/",
    "my.io",
    "my.io/images",
    "my.io/images/sub",
    "*.io",
    "http://plain.io/v2/x",
    "my.io:443",
]
ENTRIES = [Entry(server, Credential(server, "p")) for server in SERVERS]


@pytest.mark.parametrize(
    ("image", "users"),
    [
        ("my.io/images/sub/x", ["my.io/images/sub", "my.io/images", "my.io", "*.io"]),
        ("plain.io/x/y", ["http://plain.io/v2/x", "*.io"]),
        ("my.io:443/images", ["my.io:443"]),
        ("docker.io/library/busybox", ["*.io", "https://index.docker.io/v1/"]),
        ("other.com/x", []),
    ],
)
def test_the_most_specific_comes_first_and_every_match_is_tried(image: str, users: list[str]) -> None:
    assert [credential.username for credential in lookup(ENTRIES, image)] == users


def test_two_entries_of_one_server_are_both_tried_in_their_order() -> None:
    entries = [Entry("r.io", Credential("one")), Entry("https://r.io/v1/", Credential("two"))]
    assert [credential.username for credential in lookup(entries, "r.io/x")] == ["one", "two"]


def test_a_credential_never_shows_its_secrets() -> None:
    credential = Credential("me", "CANARY", "CANARY", "CANARY", Source("secret a/b"))
    assert "CANARY" not in f"{credential!r} {credential.describe()} {credential.hash}"


HOST = st.from_regex(r"\A[a-z]{1,5}(\.[a-z]{1,5}){1,3}\Z")
PATH = st.from_regex(r"\A[a-z]{1,5}(/[a-z]{1,5}){0,3}\Z")


@given(HOST, PATH)
def test_a_host_matches_itself_and_each_label_may_be_a_star(host: str, path: str) -> None:
    image = f"{host}/{path}"
    assert matches(host, image)
    assert matches(image, image)
    labels = host.split(".")
    for position in range(len(labels)):
        assert matches(".".join([*labels[:position], "*", *labels[position + 1 :]]), image)
    assert not matches(f"*.{host}", image)
    assert not matches(f"{host}:1", image)


@given(HOST, PATH, PATH)
def test_a_longer_path_never_matches_a_shorter_one(host: str, path: str, more: str) -> None:
    assert not matches(f"{host}/{path}/{more}", f"{host}/{path}")
    assert matches(f"{host}/{path}", f"{host}/{path}/{more}")
    assert not matches(f"{host}/{path}", f"{host}/{path}{more}")
