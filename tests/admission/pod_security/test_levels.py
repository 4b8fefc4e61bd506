"""Labels of a namespace and the policy they ask for."""

from __future__ import annotations

import pytest

from podwright.admission.pod_security.levels import NO_POLICY, Level, Policy, Profile, policy_of

P = "pod-security.kubernetes.io/"


@pytest.mark.parametrize(
    ("labels", "policy"),
    [
        pytest.param({}, ("privileged:latest", "privileged:latest", "privileged:latest"), id="no labels"),
        pytest.param({"a": "b"}, ("privileged:latest", "privileged:latest", "privileged:latest"), id="other labels"),
        pytest.param(
            {"enforce": "baseline"}, ("baseline:latest", "privileged:latest", "baseline:latest"), id="warns as enforced"
        ),
        pytest.param(
            {"enforce": "baseline", "enforce-version": "v1.20", "warn-version": "v1.30"},
            ("baseline:v1.20", "privileged:latest", "baseline:v1.30"),
            id="warns as enforced, in a version of its own",
        ),
        pytest.param(
            {"enforce": "baseline", "warn": "privileged", "audit": "restricted"},
            ("baseline:latest", "restricted:latest", "privileged:latest"),
            id="each mode for itself",
        ),
    ],
)
def test_policy_of(labels: dict[str, str], policy: tuple[str, str, str]) -> None:
    found = policy_of({P + key: value for key, value in labels.items()})
    assert (str(found.enforce), str(found.audit), str(found.warn)) == policy
    assert found.errors == ()


def test_labels_that_mean_nothing() -> None:
    found = policy_of({P + "enforce": "strict", P + "audit": "x", P + "warn": "y", P + "warn-version": "v1.07"})
    assert (str(found.enforce), str(found.audit), str(found.warn)) == (
        "restricted:latest", "privileged:latest", "privileged:latest",
    )  # fmt: skip
    assert [str(e) for e in found.errors] == [
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, '
        "baseline, restricted",
        'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "x": must be one of privileged, baseline, '
        "restricted",
        'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "y": must be one of privileged, baseline, '
        "restricted",
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "v1.07": must be "latest" or "v1.x"',
    ]


def test_nothing_is_asked_for_without_labels() -> None:
    assert policy_of(None) is NO_POLICY


DEFAULTS = Policy(Profile(Level.BASELINE, 20), Profile(Level.RESTRICTED), Profile(Level.BASELINE, 21))


@pytest.mark.parametrize(
    ("labels", "policy"),
    [
        pytest.param({}, ("baseline:v1.20", "restricted:latest", "baseline:v1.21"), id="no labels"),
        pytest.param(
            {"enforce": "privileged"}, ("privileged:v1.20", "restricted:latest", "baseline:v1.21"), id="a laxer level"
        ),
        pytest.param(
            {"enforce": "restricted"},
            ("restricted:v1.20", "restricted:latest", "restricted:v1.20"),
            id="a stricter one is warned of, too",
        ),
        pytest.param(
            {"enforce-version": "latest", "audit": "privileged"},
            ("baseline:latest", "privileged:latest", "baseline:v1.21"),
            id="the latest version",
        ),
        pytest.param(
            {"enforce-version": "x", "warn": "x"},
            ("baseline:latest", "restricted:latest", "privileged:v1.21"),
            id="labels that mean nothing",
        ),
    ],
)
def test_what_labels_leave_open_is_as_configured(labels: dict[str, str], policy: tuple[str, str, str]) -> None:
    found = policy_of({P + key: value for key, value in labels.items()}, DEFAULTS)
    assert (str(found.enforce), str(found.audit), str(found.warn)) == policy
