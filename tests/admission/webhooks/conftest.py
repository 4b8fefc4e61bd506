"""What the tests of webhooks share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.admission.webhooks.answering import Answering, Identity, answering, identity


@pytest.fixture(scope="session")
def own_identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity(tmp_path_factory.mktemp("webhook"))


@pytest.fixture
async def hook(own_identity: Identity) -> AsyncIterator[Answering]:
    async with answering(own_identity) as server:
        yield server
