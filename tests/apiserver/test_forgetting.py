"""How much history is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fakes.waiting import eventually

from podwright.api.schema import Schema
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.forgetting import Forgetting
from podwright.apiserver.server import ApiServer
from podwright.storage.memory import MemoryStore


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        pytest.param([(0, 10)], 0, id="of a young server everything"),
        pytest.param([(0, 10), (299, 400)], 0, id="what is not old yet"),
        pytest.param([(0, 10), (300, 400)], 10, id="what came in the last minutes"),
        pytest.param([(0, 10), (100, 20), (300, 30), (400, 40)], 20, id="as it goes on"),
        pytest.param([(0, 10), (300, 30), (310, 31)], 10, id="what is forgotten stays forgotten"),
        pytest.param([(0, 10), (900, 10)], 10, id="where nothing happens nothing is lost"),
        pytest.param([(0, 10), (1, 5000)], 4000, id="no more than is bearable"),
    ],
)
def test_what_is_kept(looks: Sequence[tuple[float, int]], kept: int) -> None:
    forgetting = Forgetting(300.0, 1000)
    found = [forgetting.keep_after(now, newest) for now, newest in looks]
    assert found[-1] == kept


async def test_a_server_forgets_what_is_old_however_little_it_is(tmp_path: Path, schema: Schema) -> None:
    store = MemoryStore()
    server = ApiServer(ApiServerConfig(tmp_path, port=0, compact_every=0.01), store, schema)
    await server.start()
    try:
        await eventually(lambda: store.compacted == store.revision)
    finally:
        await server.stop()
        await store.close()
