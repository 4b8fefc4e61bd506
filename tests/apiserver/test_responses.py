from __future__ import annotations

import gzip

from aiohttp import web

from podwright.apiserver.responses import COMPRESS_ABOVE, squeezed

LARGE = bytes(range(256)) * (COMPRESS_ABOVE // 256 + 1)


async def test_a_large_answer_is_compressed_for_who_asks() -> None:
    answer = await squeezed(web.Response(body=LARGE), "gzip")
    assert isinstance(answer.body, bytes) and gzip.decompress(answer.body) == LARGE
    assert answer.headers["Content-Encoding"] == "gzip"
    assert (await squeezed(web.Response(body=LARGE), "")).body == LARGE


async def test_what_is_compressed_already_stays_as_it_is() -> None:
    answer = await squeezed(web.Response(body=LARGE, headers={"Content-Encoding": "gzip"}), "gzip")
    assert answer.body == LARGE
