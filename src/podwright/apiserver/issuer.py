"""Who signs service account tokens, told in the form of OpenID Connect: others can verify them without asking.

Called by `nonresource.py`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from podwright.apiserver.context import encode
from podwright.apiserver.responses import respond
from podwright.apiserver.tokens import Tokens

KEYS = "/openid/v1/jwks"
_CACHED = "public, max-age=3600"


def configuration(issuer: str, url: str, algorithm: str) -> Mapping[str, Any]:
    """The provider's metadata; `url` is where this server is reached."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{url}{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [algorithm],
    }


class Issuer:
    """The documents of one server."""

    def __init__(self, tokens: Tokens, url: Callable[[], str]) -> None:
        self._tokens = tokens
        self._url = url

    async def answer(self, path: str) -> web.Response | None:
        """The document at `path`; None when it is none of them."""
        match path.rstrip("/"):
            case "/.well-known/openid-configuration":
                body = encode(configuration(self._tokens.issuer, self._url(), self._tokens.algorithm))
                response = respond(body)
            case "/openid/v1/jwks":
                await asyncio.to_thread(self._tokens.load)
                response = respond(encode({"keys": [self._tokens.public_key()]}), media_type="application/jwk-set+json")
            case _:
                return None
        response.headers["Cache-Control"] = _CACHED
        return response
