"""Pull policy, back-off, throttle, and what a runtime's error text means."""

from __future__ import annotations

import pytest

from podwright.kubelet.images.manager import duration
from podwright.kubelet.images.pull_backoff import PullBackOff
from podwright.kubelet.images.pull_failure import FailureKind, advice, classify, waiting_reason
from podwright.kubelet.images.pull_policy import Decision, decide, needs_local_image
from podwright.kubelet.images.throttle import Throttle


@pytest.mark.parametrize(
    ("policy", "present", "may_use", "decision"),
    [
        pytest.param("Always", True, True, Decision.PULL, id="Always asks the registry even when the image is here"),
        pytest.param("Always", False, False, Decision.PULL, id="Always pulls"),
        pytest.param("IfNotPresent", True, True, Decision.USE_LOCAL, id="IfNotPresent uses what is here"),
        pytest.param("IfNotPresent", False, False, Decision.PULL, id="IfNotPresent pulls what is not here"),
        pytest.param("IfNotPresent", True, False, Decision.PULL, id="IfNotPresent proves itself at the registry"),
        pytest.param("Never", True, True, Decision.USE_LOCAL, id="Never uses what is here"),
        pytest.param("Never", False, False, Decision.REFUSE, id="Never refuses what is not here"),
        pytest.param("Never", True, False, Decision.REFUSE, id="Never refuses another tenant's image"),
    ],
)
def test_the_pull_decision(policy: str, present: bool, may_use: bool, decision: Decision) -> None:
    assert decide(policy, present, may_use) is decision


def test_only_always_does_not_look_for_a_local_image() -> None:
    assert [needs_local_image(policy) for policy in ("Always", "IfNotPresent", "Never")] == [False, True, True]


def test_delays_double_to_five_minutes() -> None:
    backoff, now, delays = PullBackOff(), 0.0, []
    for _ in range(8):
        delay = backoff.failed("u", "i", now, "e")
        delays.append(delay)
        assert backoff.remaining("u", "i", now + delay - 1) == 1
        now += delay
        assert backoff.remaining("u", "i", now) == 0
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]


def test_a_failure_long_after_the_last_begins_anew() -> None:
    backoff = PullBackOff()
    backoff.failed("u", "i", 0, "e")
    assert backoff.failed("u", "i", 600, "e") == 20
    assert backoff.failed("u", "i", 1201, "e") == 10


def test_another_pod_or_another_text_waits_for_nothing() -> None:
    backoff = PullBackOff()
    backoff.failed("u", "i", 0, "e")
    assert (backoff.remaining("v", "i", 1), backoff.remaining("u", "j", 1)) == (0, 0)
    assert (backoff.remaining("u", "i", 1), backoff.last_error("u", "i")) == (9, "e")


def test_a_changed_mark_ends_the_waiting_and_the_delay_begins_anew() -> None:
    backoff = PullBackOff()
    backoff.failed("u", "i", 0, "e")
    assert backoff.failed("u", "i", 10, "e") == 20
    assert backoff.remaining("u", "i", 11, "again") == 0
    assert backoff.failed("u", "i", 11, "e", "again") == 10
    assert backoff.remaining("u", "i", 12, "again") == 9


def test_old_entries_expire() -> None:
    backoff = PullBackOff()
    backoff.failed("u", "i", 0, "e")
    backoff.expire(600)
    assert backoff.last_error("u", "i") == "e"
    backoff.expire(601)
    assert backoff.last_error("u", "i") == ""


def test_pulls_beyond_the_burst_wait_their_turn() -> None:
    throttle = Throttle(qps=2, burst=2)
    assert [throttle.reserve(0) for _ in range(5)] == [0, 0, 0.5, 1.0, 1.5]
    assert throttle.reserve(10) == 0
    assert Throttle(qps=0, burst=1).reserve(0) == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('failed to do request: Head "https://x/v2/": dial tcp: lookup x: no such host', FailureKind.NO_SUCH_HOST),
        ("dial tcp 127.0.0.1:5: connect: connection refused", FailureKind.REFUSED),
        ("dial tcp 10.0.0.1:443: i/o timeout", FailureKind.TIMED_OUT),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", FailureKind.TLS),
        ("http: server gave HTTP response to HTTPS client", FailureKind.PLAIN_HTTP),
        ("unexpected status code [manifests 1]: 401 Unauthorized", FailureKind.UNAUTHORIZED),
        ("pull access denied, repository does not exist or may require authorization", FailureKind.UNAUTHORIZED),
        ("reg/x:2: not found", FailureKind.NOT_FOUND),
        ("no match for platform in manifest: not found", FailureKind.NO_PLATFORM),
        ("write /x: no space left on device", FailureKind.NO_SPACE),
        ("unexpected commit digest sha256:1, expected sha256:2: failed precondition", FailureKind.CORRUPT),
        ("httpReadSeeker: failed open: unexpected EOF", FailureKind.BROKEN_OFF),
        ("toomanyrequests: You have reached your pull rate limit", FailureKind.RATE_LIMITED),
        ("rpc error: code = Unavailable desc = connection error", FailureKind.RUNTIME_GONE),
        ("something new", FailureKind.OTHER),
    ],
)
def test_the_kind_of_a_failure_is_read_from_its_text(text: str, kind: FailureKind) -> None:
    failure = classify(text)
    assert failure.kind is kind
    assert (advice(kind, "reg", "reg/x", "tried") != "") == (kind is not FailureKind.OTHER)


def test_failures_that_stay_and_failures_that_pass() -> None:
    assert classify("401 Unauthorized").permanent
    assert classify("x:1: not found").permanent
    assert not classify("connection refused").permanent
    assert classify("connection refused").out_of_reach
    assert not classify("connection refused").another_credential_may_help
    assert classify("x:1: not found").another_credential_may_help


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("boom", "ErrImagePull", "boom"),
        (
            "RegistryUnavailable: mirror down",
            "RegistryUnavailable",
            "image pull failed for i because the registry is unavailable: mirror down",
        ),
        (
            "rpc error: code = Unavailable desc = SignatureValidationFailed: no key",
            "SignatureValidationFailed",
            "image pull failed for i because the signature validation failed: no key",
        ),
    ],
)
def test_waiting_reasons_of_failed_pulls(text: str, reason: str, message: str) -> None:
    assert waiting_reason(classify(text), "i") == (reason, message)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.0004, "0s"), (0.3456, "345ms"), (1, "1s"), (1.2346, "1.234s"), (62.5, "1m2.5s"), (3600, "1h0m0s")],
)
def test_durations_look_like_go_s(seconds: float, text: str) -> None:
    assert duration(seconds) == text
