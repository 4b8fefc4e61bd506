from __future__ import annotations

import datetime
from typing import Any

import pytest

from podwright.api.errors import Unauthorized
from podwright.api.schema import Schema
from podwright.apiserver.context import Context
from podwright.apiserver.filters.authn import Authenticator
from podwright.apiserver.tokens import Tokens
from podwright.storage.memory import MemoryStore

ENDS = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def certificate(*subject: tuple[str, str]) -> dict[str, Any]:
    """As the ssl module shows it."""
    return {"subject": tuple(((pair),) for pair in subject), "notAfter": "Jun  1 00:00:00 2026 GMT"}


def authenticator(schema: Schema, tmp_path: Any, now: datetime.datetime) -> Authenticator:
    return Authenticator(
        Context(MemoryStore(), (), schema, clock=lambda: now), Tokens(tmp_path / "sa.key", "https://x")
    )


def test_a_certificate_names_a_user_until_it_ends(schema: Schema, tmp_path: Any) -> None:
    given = certificate(("organizationName", "dev"), ("organizationName", "ops"), ("commonName", "jane"))
    before = authenticator(schema, tmp_path, ENDS - datetime.timedelta(seconds=1))
    user = before.authenticate(given, "")
    assert user is not None
    assert (user.name, user.groups) == ("jane", ("dev", "ops", "system:authenticated"))
    after = authenticator(schema, tmp_path, ENDS + datetime.timedelta(seconds=1))
    with pytest.raises(Unauthorized):
        after.authenticate(given, "")


def test_a_certificate_without_a_name_names_nobody(schema: Schema, tmp_path: Any) -> None:
    here = authenticator(schema, tmp_path, ENDS)
    assert here.authenticate(certificate(("organizationName", "system:masters")), "") is None
    assert here.authenticate(None, "") is None
    assert here.authenticate(None, "Basic amFuZTpwYXNz") is None
