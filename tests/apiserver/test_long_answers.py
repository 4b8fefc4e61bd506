"""Long lists are the same JSON in pieces, and compressed anew only when something has changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.apiserver.conftest import Served

from podwright.admission.interface import User
from podwright.api.resources import CONFIG_MAPS
from podwright.apiserver.context import Call
from podwright.apiserver.handlers.read import Listed
from podwright.apiserver.long_answers import PIECE, pieces
from podwright.apiserver.registry.rows import ROWS
from podwright.storage.interface import Entry

CALL = Call(next(row for row in ROWS if row.resource == CONFIG_MAPS), User("somebody"))
ALL = "/api/v1/configmaps"


def listed(*sizes: int) -> Listed:
    values = [msgspec.json.encode({"data": "x" * size}) for size in sizes]
    return Listed([Entry(f"/core/configmaps/a/{i}", value, 7, 7) for i, value in enumerate(values)], 7)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        pytest.param([], 1, id="nothing is one piece"),
        pytest.param([1], 1, id="little is one piece"),
        pytest.param([PIECE], 2, id="a whole piece and the end"),
        pytest.param([PIECE, PIECE], 3, id="two whole pieces and the end"),
        pytest.param([PIECE, 1], 2, id="a whole piece and the rest"),
        pytest.param([1000] * 1000, 4, id="many small ones"),
    ],
)
def test_the_pieces_are_the_list(sizes: list[int], count: int) -> None:
    made = pieces(CALL, listed(*sizes))
    assert len(made) == count
    assert msgspec.json.decode(b"".join(made)) == {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "7"},
        "items": [{"data": "x" * size} for size in sizes],
    }


async def fill(served: Served, count: int) -> None:
    for number in range(count):
        made: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"large-{number}"},
            "data": {"text": str(number) * 200_000},
        }
        await served.admin.create(CONFIG_MAPS, made, "default")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_long_list_over_http_is_as_it_stands(served: Served, encoding: str) -> None:
    await fill(served, 4)
    for _ in range(2):
        answer = await served.ask("GET", ALL, Accept_Encoding=encoding)
        assert [item["metadata"]["name"] for item in answer.json["items"]] == [f"large-{n}" for n in range(4)]
        assert answer.headers.get("Content-Encoding") == (encoding if encoding == "gzip" else None)
        assert answer.headers["Content-Type"] == "application/json"
        await served.admin.patch(CONFIG_MAPS, "large-0", {"data": {"text": "short"}}, "default")
    assert answer.json["items"][0]["data"] == {"text": "short"}
    first = await served.ask("GET", f"{ALL}?limit=3", Accept_Encoding=encoding)
    assert len(first.json["items"]) == 3


async def test_a_head_of_a_long_list_has_its_length_and_no_body(served: Served) -> None:
    await fill(served, 4)
    whole = await served.ask("GET", ALL, Accept_Encoding="identity")
    head = await served.ask("HEAD", ALL, Accept_Encoding="identity")
    assert (head.code, head.text) == (200, "")
    assert head.headers["Content-Length"] == str(len(whole.text.encode()))
