"""Who may use a present image: decisions as a table, and records that survive restarts, crashes and rotation."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.images.pull_records import (
    Access,
    PullRecords,
    VerificationPolicy,
    granted,
    needs_proof,
    proves,
)

P = VerificationPolicy
SECRET = ("uid", "ns", "name")


def by_secret(password: str = "p", secret: tuple[str, str, str] = SECRET) -> Credential:
    return Credential("u", password, source=Source("secret", secret=secret))


def by_account(account: tuple[str, str, str]) -> Credential:
    return Credential("u", "p", source=Source("provider", service_account=account))


NODE = Credential("u", "p", source=Source("config.json"))


@pytest.mark.parametrize(
    ("policy", "allowlist", "pulled", "wanted"),
    [
        (P.NEVER_VERIFY, (), True, False),
        (P.NEVER_VERIFY_PRELOADED, (), True, True),
        (P.NEVER_VERIFY_PRELOADED, (), False, False),
        (P.NEVER_VERIFY_ALLOWLISTED, (), False, True),
        (P.NEVER_VERIFY_ALLOWLISTED, ("r.io/a/b",), True, False),
        (P.NEVER_VERIFY_ALLOWLISTED, ("r.io/a/*",), True, False),
        (P.NEVER_VERIFY_ALLOWLISTED, ("r.io/a",), False, True),
        (P.ALWAYS_VERIFY, ("r.io/a/b",), False, True),
    ],
)
def test_who_must_prove_a_right(policy: P, allowlist: tuple[str, ...], pulled: bool, wanted: bool) -> None:
    assert needs_proof(policy, allowlist, "r.io/a/b", pulled) is wanted


@pytest.mark.parametrize(
    ("access", "credential", "wanted"),
    [
        pytest.param(granted(None, by_secret()), by_secret(), True, id="the same secret"),
        pytest.param(granted(None, by_secret()), by_secret("rotated"), True, id="the same secret, rotated"),
        pytest.param(
            granted(None, by_secret()), by_secret(secret=("o", "x", "y")), True, id="another secret, the same content"
        ),
        pytest.param(
            granted(None, by_secret()), by_secret("q", ("o", "x", "y")), False, id="another secret, other content"
        ),
        pytest.param(granted(None, by_secret()), NODE, False, id="a node credential must ask the registry"),
        pytest.param(granted(None, by_account(("a", "b", "c"))), by_account(("a", "b", "c")), True, id="same account"),
        pytest.param(granted(None, by_account(("a", "b", "c"))), by_account(("z", "b", "c")), False, id="a namesake"),
        pytest.param(None, by_secret(), False, id="nothing recorded"),
        pytest.param(Access(), by_secret(), False, id="recorded after a crash, nobody has proven it"),
    ],
)
def test_what_proves_a_right(access: Access | None, credential: Credential, wanted: bool) -> None:
    assert proves(access, credential) is wanted


def test_a_pull_without_credentials_or_with_the_node_s_opens_the_image_to_all() -> None:
    assert granted(None, None).whole_node
    assert granted(granted(None, by_secret()), NODE) == Access(whole_node=True)
    assert granted(Access(whole_node=True), by_secret()) == Access(whole_node=True)


def records(path: Path, policy: P = P.NEVER_VERIFY_PRELOADED) -> PullRecords:
    return PullRecords(path, policy, now=lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


async def nothing(_image: str) -> str:
    return ""


async def test_records_survive_a_restart_and_hold_no_secret(tmp_path: Path) -> None:
    first = records(tmp_path)
    await first.load(nothing)
    await first.intend("r.io/x:1")
    await first.pulled("r.io/x:1", "sha256:x", by_secret("CANARY"))
    again = records(tmp_path)
    await again.load(nothing)
    assert not again.may_use_without_proof("r.io/x:1", "sha256:x")
    assert await again.may_use("r.io/x:1", "sha256:x", [by_secret("CANARY")])
    assert not await again.may_use("r.io/x:1", "sha256:x", [by_secret("q", ("o", "x", "y"))])
    assert not await again.may_use("other.io/x:1", "sha256:x", [by_secret("CANARY")])
    for file in tmp_path.rglob("sha256-*"):
        assert "CANARY" not in file.read_text()
        assert file.stat().st_mode & 0o077 == 0
    assert list((tmp_path / "image_manager/pulling").iterdir()) == []


async def test_a_crash_between_pull_and_record_leaves_an_image_that_must_be_proven(tmp_path: Path) -> None:
    first = records(tmp_path)
    await first.load(nothing)
    await first.intend("r.io/x:1")

    async def present(image: str) -> str:
        return "sha256:x" if image == "r.io/x:1" else ""

    again = records(tmp_path)
    await again.load(present)
    assert not again.may_use_without_proof("r.io/x:1", "sha256:x")
    assert not await again.may_use("r.io/x:1", "sha256:x", [by_secret()])
    assert again.may_use_without_proof("preloaded:1", "sha256:p")
    third = records(tmp_path)
    await third.load(nothing)
    assert not third.may_use_without_proof("r.io/x:1", "sha256:x")


async def test_an_unreadable_record_must_be_proven_again(tmp_path: Path) -> None:
    first = records(tmp_path)
    await first.load(nothing)
    await first.pulled("x:1", "sha256:x", None)
    for file in (tmp_path / "image_manager/pulled").iterdir():
        file.write_text(json.dumps({"credentialMapping": 3}))
    again = records(tmp_path)
    await again.load(nothing)
    assert not again.may_use_without_proof("x:1", "sha256:x")
    await again.pulled("x:1", "sha256:x", None)
    assert again.may_use_without_proof("x:1", "sha256:x")


async def test_a_rotated_secret_s_hash_is_renewed(tmp_path: Path) -> None:
    one = records(tmp_path)
    await one.load(nothing)
    await one.pulled("x:1", "sha256:x", by_secret("old"))
    assert await one.may_use("x:1", "sha256:x", [by_secret("new")])
    assert await one.may_use("x:1", "sha256:x", [by_secret("new", ("o", "x", "y"))])
    assert not await one.may_use("x:1", "sha256:x", [by_secret("old", ("third", "x", "y"))])


async def test_only_records_of_images_that_are_gone_are_pruned(tmp_path: Path) -> None:
    one = records(tmp_path)
    await one.load(nothing)
    await one.pulled("x:1", "sha256:x", by_secret())
    await one.pulled("y:1", "sha256:y", by_secret())
    await one.prune(["sha256:x"])
    assert not one.may_use_without_proof("x:1", "sha256:x")
    assert one.may_use_without_proof("y:1", "sha256:y")
    assert len(list((tmp_path / "image_manager/pulled").iterdir())) == 1


async def test_an_intent_stays_while_another_pull_of_the_image_goes_on(tmp_path: Path) -> None:
    one = records(tmp_path)
    await one.load(nothing)
    await one.intend("x:1")
    await one.intend("x:1")
    await one.failed("x:1")
    assert len(list((tmp_path / "image_manager/pulling").iterdir())) == 1
    await one.failed("x:1")
    assert list((tmp_path / "image_manager/pulling").iterdir()) == []


async def test_what_a_cancelled_pull_left_must_be_proven_and_is_free_after_a_pull_that_worked(tmp_path: Path) -> None:
    one = records(tmp_path)
    await one.load(nothing)
    await one.intend("x:1")
    one.given_up("x:1")
    assert not one.may_use_without_proof("x:1", "sha256:x")
    await one.intend("x:1")
    await one.failed("x:1")
    assert not one.may_use_without_proof("x:1", "sha256:x")
    assert len(list((tmp_path / "image_manager/pulling").iterdir())) == 1
    await one.intend("x:1")
    await one.pulled("x:1", "sha256:x", None)
    assert one.may_use_without_proof("x:1", "sha256:x")
    assert list((tmp_path / "image_manager/pulling").iterdir()) == []


async def test_a_name_that_was_here_before_stays_free_when_a_private_image_has_the_same_content(tmp_path: Path) -> None:
    one = records(tmp_path)
    await one.load(nothing)
    await one.intend("private.io/x:1")
    await one.pulled("private.io/x:1", "sha256:x", by_secret())
    names = ["docker.io/library/tool:1", "private.io/x:1", "private.io/x@sha256:" + "ab" * 32]
    assert one.may_use_without_proof("tool:1", "sha256:x", names)
    for image in ("private.io/x:1", "private.io/x:other", "tool:2", names[2], "sha256:x"):
        assert not one.may_use_without_proof(image, "sha256:x", names), image
    # a name under which a pull was begun is not one that was here before, whatever came between
    await one.intend("tool:1")
    assert not one.may_use_without_proof("tool:1", "sha256:x", names)

    async def present(image: str) -> str:
        return "sha256:x"

    again = records(tmp_path)
    await again.load(present)
    assert not again.may_use_without_proof("tool:1", "sha256:x", names)


@pytest.mark.parametrize("policy", [P.NEVER_VERIFY_ALLOWLISTED, P.ALWAYS_VERIFY])
async def test_where_preloaded_images_must_be_proven_too_the_name_frees_nothing(tmp_path: Path, policy: P) -> None:
    one = records(tmp_path, policy)
    await one.load(nothing)
    await one.pulled("private.io/x:1", "sha256:x", by_secret())
    assert not one.may_use_without_proof("tool:1", "sha256:x", ["docker.io/library/tool:1"])
