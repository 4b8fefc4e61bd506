"""What a look-up without a pull tells: every source, every answer, no secret."""

from __future__ import annotations

from typing import Any

from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.credentials.lookup import Considered, Found
from podwright.kubelet.images.access_check import check, lines
from podwright.kubelet.images.registry_client import Answer

OLD = Credential("old", "CANARY", source=Source("secret ns/old"))
NEW = Credential("new", "CANARY", source=Source("/data/config.json"))
SAME = Credential("old", "CANARY", source=Source("provider x"))
CONSIDERED = [
    Considered("secret ns/old", 1),
    Considered("secret ns/gone", 0, "not there"),
    Considered("/data/config.json", 1),
    Considered("provider x", 1),
    Considered("provider y", 0, "its answer is not JSON"),
]


class FakeLookup:
    async def find(self, pod: Any, repository: str) -> Found:
        assert repository == "r.io/team/app"
        return Found([OLD, NEW, SAME], CONSIDERED)


class FakeRegistry:
    def __init__(self, **status: int) -> None:
        self.status = status

    async def ask(self, image: str, credential: Credential | None) -> Answer:
        assert image == "r.io/team/app:latest"
        status = self.status.get(credential.username if credential else "nobody", 401)
        return Answer("https://r.io", status, "" if status else "no such host")


async def test_sources_and_answers_are_told_and_what_comes_after_a_success_is_not_needed() -> None:
    report = await check(FakeLookup(), FakeRegistry(old=200), {}, "r.io/team/app")
    assert report.lets_in
    assert lines(report) == [
        "r.io/team/app:latest: where credentials were looked for",
        "  secret ns/old: 1 for it",
        "  secret ns/gone: not there",
        "  /data/config.json: 1 for it",
        "  provider x: 1 for it",
        "  provider y: its answer is not JSON",
        "what the registry answers now",
        "  secret ns/old as old: 200, let in (https://r.io)",
        "  /data/config.json as new: not needed",
    ]


async def test_a_registry_that_does_not_answer_is_asked_once() -> None:
    report = await check(FakeLookup(), FakeRegistry(old=0), {}, "r.io/team/app")
    assert lines(report)[-3:] == [
        "  secret ns/old as old: no such host (https://r.io)",
        "  /data/config.json as new: not asked",
        "  without credentials: not asked",
    ]


async def test_each_is_tried_once_and_at_last_none_at_all() -> None:
    report = await check(FakeLookup(), FakeRegistry(nobody=404), {}, "r.io/team/app")
    assert not report.lets_in
    assert lines(report)[-3:] == [
        "  secret ns/old as old: 401, not let in (https://r.io)",
        "  /data/config.json as new: 401, not let in (https://r.io)",
        "  without credentials: 404, no such name or tag, or it is not shown (https://r.io)",
    ]
    assert "CANARY" not in str(report) + str(lines(report))
