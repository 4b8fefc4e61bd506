"""Image references: what they name, and which rule a wrong one breaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.images.reference import (
    InvalidReferenceError,
    Reference,
    parse,
    with_default_tag,
    written_repository,
)

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("busybox", Reference("docker.io", "library/busybox", "latest", "")),
        ("docker.io/busybox", Reference("docker.io", "library/busybox", "latest", "")),
        ("index.docker.io/busybox", Reference("docker.io", "library/busybox", "latest", "")),
        ("foo/bar:1.0", Reference("docker.io", "foo/bar", "1.0", "")),
        ("reg:5000/x", Reference("reg:5000", "x", "latest", "")),
        ("localhost/x/y", Reference("localhost", "x/y", "latest", "")),
        ("UPPER/case", Reference("UPPER", "case", "latest", "")),
        ("[::1]:5000/x:t", Reference("[::1]:5000", "x", "t", "")),
        (f"busybox@{DIGEST}", Reference("docker.io", "library/busybox", "", DIGEST)),
        (f"busybox:1@{DIGEST}", Reference("docker.io", "library/busybox", "1", DIGEST)),
        ("busybox:LATEST", Reference("docker.io", "library/busybox", "LATEST", "")),
        ("busybox:_a.B-9", Reference("docker.io", "library/busybox", "_a.B-9", "")),
        (
            "fictional.registry.example:10443/imagename",
            Reference("fictional.registry.example:10443", "imagename", "latest", ""),
        ),
        ("a__b/c--d.e_f", Reference("docker.io", "a__b/c--d.e_f", "latest", "")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_reference_names(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty"),
        ("a b", "component 'a b'"),
        ("Busybox", "must be lowercase"),
        ("foo/Bar", "must be lowercase"),
        ("foo//bar", "empty component"),
        ("foo/", "empty component"),
        ("foo..bar", "component"),
        ("busybox:", "tag ''"),
        ("busybox:.x", "tag '.x'"),
        ("busybox:-x", "tag '-x'"),
        ("busybox:a+b", "tag 'a\\+b'"),
        ("busybox:" + "a" * 129, "128"),
        ("busybox@sha256:zz", "64 lowercase hexadecimal"),
        ("busybox@sha256:" + "A" * 64, "lowercase hexadecimal"),
        ("busybox@md5:" + "a" * 32, "must begin with"),
        ("busybox@", "must begin with"),
        ("reg:port/x", "port must be a number"),
        ("reg:/x", "port must be a number"),
        ("-reg.io/x", "registry host"),
        ("a" * 64, "64-byte hexadecimal"),
        ("a/" + "b" * 260, "255 characters"),
        (" busybox", "component"),
        ("[::1/x", "IPv6"),
    ],
)
def test_a_wrong_reference_says_which_rule_it_breaks(text: str, rule: str) -> None:
    with pytest.raises(InvalidReferenceError, match=f"invalid reference format: .*{rule}"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("busybox", "busybox:latest"),
        ("reg:5000/x", "reg:5000/x:latest"),
        ("busybox:1", "busybox:1"),
        (f"busybox@{DIGEST}", f"busybox@{DIGEST}"),
    ],
)
def test_the_runtime_gets_the_text_as_written_with_a_tag(text: str, sent: str) -> None:
    assert with_default_tag(text) == sent


@pytest.mark.parametrize(
    ("text", "repository"),
    [("alpine:3", "alpine"), ("reg:5000/a/b", "reg:5000/a/b"), (f"docker.io/a/b:1@{DIGEST}", "docker.io/a/b")],
)
def test_the_repository_as_written(text: str, repository: str) -> None:
    assert written_repository(text) == repository


COMPONENT = st.from_regex(r"\A[a-z0-9]{1,8}(?:(?:[._]|__|-{1,2})[a-z0-9]{1,8}){0,2}\Z")
REGISTRY = st.sampled_from(["docker.io/", "reg.example.com/", "localhost/", "reg:5000/"])
TAG = st.from_regex(r"\A(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,20})?\Z")


@given(REGISTRY, st.lists(COMPONENT, min_size=1, max_size=3), TAG, st.booleans())
def test_a_normalized_reference_names_itself(registry: str, path: list[str], tag: str, digest: bool) -> None:
    first = parse(f"{registry}{'/'.join(path)}{tag}{f'@{DIGEST}' if digest else ''}")
    assert parse(str(first)) == first


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_is_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except InvalidReferenceError:
        return
    assert parsed.path
    assert with_default_tag(text).startswith(text)
