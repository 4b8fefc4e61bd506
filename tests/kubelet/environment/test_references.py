"""What ConfigMaps and Secrets hold."""

import pytest
from tests.fakes.client import FakeClient

from podwright.api.errors import Forbidden
from podwright.api.resources import CONFIG_MAPS, SECRETS
from podwright.kubelet.environment.references import UnreadableReference, contents, missing, read_reference


def test_contents() -> None:
    assert contents({"kind": "ConfigMap", "data": {"a": "é"}, "binaryData": {"b": "/w=="}}) == {
        "a": "é".encode(),
        "b": b"\xff",
    }
    assert contents({"kind": "Secret", "data": {"a": "/w==", "e": ""}}) == {"a": b"\xff", "e": b""}
    assert contents({"kind": "Secret"}) == {}


def test_what_is_not_base64_names_its_key_and_not_its_value() -> None:
    with pytest.raises(UnreadableReference, match=r"^the value of key pw is not base64$"):
        contents({"kind": "Secret", "data": {"pw": "hunter2!"}})


def test_the_words_for_what_is_missing() -> None:
    assert missing(CONFIG_MAPS, "a") == 'configmap "a" not found'
    assert missing(SECRETS, "a") == 'secret "a" not found'


async def test_reading() -> None:
    client = FakeClient()
    await client.create(SECRETS, {"metadata": {"name": "s"}}, "shop")
    assert (await read_reference(client, SECRETS, "shop", "s") or {})["metadata"]["name"] == "s"
    assert await read_reference(client, SECRETS, "shop", "no") is None
    client.fail_next("get", SECRETS, Forbidden.of("secrets", "s", "no"), OSError("down"))
    for why in ('secrets "s" is forbidden: no', "down"):
        with pytest.raises(UnreadableReference) as caught:
            await read_reference(client, SECRETS, "shop", "s")
        assert str(caught.value) == f"couldn't get Secret shop/s: {why}"
