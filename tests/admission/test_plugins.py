"""Which plugins run, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.admission.requests import pod, write
from tests.fakes.client import FakeClient

from podwright.admission.chain import Chain
from podwright.admission.interface import Attributes
from podwright.admission.plugins import ORDER, PluginsError, build_chain, chosen
from podwright.api.errors import Forbidden

DEFAULT = [name for name in ORDER if name not in ("AlwaysPullImages", "ImageDigest")]
AFTER = DEFAULT.index("NodeRestriction") + 1


@pytest.mark.parametrize(
    ("enabled", "disabled", "names"),
    [
        pytest.param([], [], DEFAULT, id="the default set"),
        pytest.param(
            ["AlwaysPullImages"],
            [],
            [*DEFAULT[:AFTER], "AlwaysPullImages", *DEFAULT[AFTER:]],
            id="one more runs in its place",
        ),
        pytest.param([], ["Priority"], [n for n in DEFAULT if n != "Priority"], id="one less"),
        pytest.param(["RuntimeClass"], [], DEFAULT, id="one that is on already"),
        pytest.param([], list(ORDER), [], id="none"),
    ],
)
def test_chosen(enabled: list[str], disabled: list[str], names: Sequence[str]) -> None:
    assert list(chosen(enabled, disabled)) == names
    assert set(build_chain(FakeClient(), enabled, disabled).names) == set(names)


@pytest.mark.parametrize(
    ("enabled", "disabled", "words"),
    [
        pytest.param(
            ["EventRateLimit"],
            [],
            ('enable-admission-plugins plugin "EventRateLimit" is unknown', *ORDER),
            id="to be on",
        ),
        pytest.param([], ["Nope"], ('disable-admission-plugins plugin "Nope" is unknown',), id="to be off"),
        pytest.param(["Priority"], ["Priority"], ("Priority in enable-admission-plugins and",), id="both"),
        pytest.param(["ImageDigest"], [], ("ImageDigest needs a way to ask registries",), id="without what it needs"),
    ],
)
def test_flags_that_cannot_be_meant(enabled: list[str], disabled: list[str], words: tuple[str, ...]) -> None:
    with pytest.raises(PluginsError) as wrong:
        build_chain(FakeClient(), enabled, disabled)
    assert all(word in str(wrong.value) for word in words)


class Recorder:
    def __init__(self, name: str, seen: list[str], refuses: bool = False) -> None:
        self.name, self._seen, self._refuses = name, seen, refuses

    async def admit(self, attributes: Attributes) -> None:
        self._seen.append(f"admit {self.name}")
        if self._refuses:
            raise Forbidden.of("pods", "p", "no")

    async def validate(self, attributes: Attributes) -> None:
        self._seen.append(f"validate {self.name}")


async def test_plugins_run_in_order_and_the_first_that_refuses_ends_it() -> None:
    seen: list[str] = []
    plugins = [Recorder("a", seen), Recorder("b", seen, refuses=True), Recorder("c", seen)]
    chain = Chain(plugins, plugins)
    with pytest.raises(Forbidden):
        await chain.admit(write(pod()))
    await chain.validate(write(pod()))
    assert seen == ["admit a", "admit b", "validate a", "validate b", "validate c"]
