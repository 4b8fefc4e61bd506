from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from podwright.apiserver import pki
from podwright.apiserver.tokens import Binding, Claims, TokenInvalid, Tokens

CLAIMS = Claims("ns", "sa", "u1", ["aud"], 1000, 5000, "id", Binding("Pod", "p", "u2"), {"name": "n", "uid": "u3"})


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    files = pki.ensure(tmp_path, (), datetime.datetime.now(datetime.UTC))
    made = Tokens(files.key("sa"), "https://issuer")
    made.load()
    return made


def test_what_was_signed_is_read(tokens: Tokens) -> None:
    assert tokens.read(tokens.issue(CLAIMS), 2000) == CLAIMS


@pytest.mark.parametrize(("now", "why"), [(5000, "expired"), (900, "not valid yet")], ids=["too late", "too early"])
def test_times_are_held(tokens: Tokens, now: float, why: str) -> None:
    with pytest.raises(TokenInvalid, match=why):
        tokens.read(tokens.issue(CLAIMS), now)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30", "e30.e30." + "A" * 86, "....", "é.é.é"])
def test_rubbish_is_no_token(tokens: Tokens, token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(token, 2000)


def test_a_changed_token_is_refused(tokens: Tokens) -> None:
    header, _, signature = tokens.issue(CLAIMS).split(".")
    other = tokens.issue(Claims("ns", "other", "u1", ["aud"], 1000, 5000)).split(".")[1]
    with pytest.raises(TokenInvalid, match="signature"):
        tokens.read(f"{header}.{other}.{signature}", 2000)


def test_another_issuers_token_is_refused(tokens: Tokens, tmp_path: Path) -> None:
    elsewhere = Tokens(tmp_path / "sa.key", "https://elsewhere")
    elsewhere.load()
    with pytest.raises(TokenInvalid, match="another issuer"):
        tokens.read(elsewhere.issue(CLAIMS), 2000)
