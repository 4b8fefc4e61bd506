"""The default imagePullPolicy, row by row of the Images page."""

from __future__ import annotations

import pytest

from podwright.apiserver.registry.image_policy import default_pull_policy

HEX = "a" * 64


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("busybox", "Always", id="no tag means latest"),
        pytest.param("reg:5000/x", "Always", id="a port is no tag"),
        pytest.param("docker.io/library/busybox", "Always", id="a full name without a tag"),
        pytest.param("busybox:latest", "Always", id="latest is pulled always"),
        pytest.param("reg:5000/x:latest", "Always", id="latest at a registry with a port"),
        pytest.param("busybox:1.0", "IfNotPresent", id="another tag is pulled once"),
        pytest.param("busybox:LATEST", "IfNotPresent", id="tags are told apart by case"),
        pytest.param(f"busybox@sha256:{HEX}", "IfNotPresent", id="a digest is pulled once"),
        pytest.param(f"busybox:1@sha256:{HEX}", "IfNotPresent", id="a tag with a digest is pulled once"),
        pytest.param(f"busybox:latest@sha256:{HEX}", "IfNotPresent", id="a digest wins over latest"),
        pytest.param("UPPER/case", "Always", id="upper case at the front is a registry host"),
        pytest.param("a b", "IfNotPresent", id="what is no image name"),
        pytest.param("busybox@sha256:zz", "IfNotPresent", id="what is no digest"),
        pytest.param("", "IfNotPresent", id="nothing at all"),
        pytest.param("[::1]:5000/x", "Always", id="an IPv6 registry"),
    ],
)
def test_policy(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy
