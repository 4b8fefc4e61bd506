"""The record that makes delivery exact."""

from pathlib import Path

import pytest

from podwright.kubelet.lifecycle.hook_record import Delivery, HookRecord, HookRecords

KEY = ("u", "web", "id-1", "postStart")


@pytest.fixture
def records(tmp_path: Path) -> HookRecords:
    return HookRecords(tmp_path)


def test_the_way_of_a_hook(records: HookRecords) -> None:
    assert records.begin(*KEY).delivery is Delivery.NONE
    assert records.read(*KEY).delivery is Delivery.INTENDED
    assert records.begin(*KEY).delivery is Delivery.INTENDED
    records.finish(*KEY)
    assert records.begin(*KEY).delivery is Delivery.DONE
    assert records.read(*KEY).delivery is Delivery.DONE


def test_why_it_failed_is_kept(records: HookRecords) -> None:
    records.begin(*KEY)
    records.finish(*KEY, "exit 1")
    assert records.begin(*KEY) == HookRecord("id-1", Delivery.FAILED, "exit 1")


def test_a_new_container_begins_anew(records: HookRecords) -> None:
    records.begin(*KEY)
    records.finish(*KEY)
    assert records.begin("u", "web", "id-2", "postStart").delivery is Delivery.NONE
    assert records.read(*KEY).delivery is Delivery.NONE


def test_hooks_and_containers_are_apart(records: HookRecords) -> None:
    records.begin(*KEY)
    records.finish(*KEY)
    assert records.read("u", "web", "id-1", "preStop").delivery is Delivery.NONE
    assert records.read("u", "db", "id-1", "postStart").delivery is Delivery.NONE


def test_a_broken_record_means_that_it_is_delivered_again(records: HookRecords, tmp_path: Path) -> None:
    records.begin(*KEY)
    records.finish(*KEY)
    (tmp_path / "u" / "hooks" / "web.postStart").write_bytes(b"{")
    assert records.begin(*KEY).delivery is Delivery.NONE
