"""Tokens can be verified by others."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from tests.apiserver.conftest import Served

from podwright.api.resources import SERVICE_ACCOUNTS


async def test_who_else_verifies_tokens_finds_the_key(served: Served) -> None:
    told = (await served.ask("GET", "/.well-known/openid-configuration")).json
    assert told["issuer"] == "https://kubernetes.default.svc.cluster.local"
    assert told["jwks_uri"] == served.server.url + "/openid/v1/jwks"
    answer = await served.ask("GET", "/openid/v1/jwks")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    (key,) = answer.json["keys"]

    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    made = await served.admin.create(SERVICE_ACCOUNTS, {"spec": {}}, "default", name="default", subresource="token")
    signed, _, signature = made["status"]["token"].rpartition(".")
    x, y, r_and_s = (base64.urlsafe_b64decode(text + "==") for text in (key["x"], key["y"], signature))
    point = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    halves = (int.from_bytes(half, "big") for half in (r_and_s[:32], r_and_s[32:]))
    point.public_key().verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(SHA256()))
    account = {"Impersonate_User": "system:serviceaccount:default:default"}
    assert (await served.ask("GET", "/openid/v1/jwks", **account)).code == 200
    assert (await served.ask("GET", "/openid/v1/jwks", Impersonate_User="jane")).code == 403
