"""The annotation that bounds a postStart hook."""

import pytest

from podwright.kubelet.lifecycle.limits import post_start_limit


def pod(text: str | None) -> dict:
    return {"metadata": {"annotations": {} if text is None else {"podwright.dev/post-start-timeout": text}}}


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("30s", 30), ("1m30s", 90), ("250ms", 0.25), ("1.5h", 5400)]
)
def test_durations(text: str | None, seconds: float | None) -> None:
    assert post_start_limit(pod(text)) == seconds


@pytest.mark.parametrize("text", ["", "30", "-1s", "0s", "1d", "s", "1s x"])
def test_what_is_no_duration_is_refused_by_the_name_of_the_annotation(text: str) -> None:
    with pytest.raises(ValueError, match=r"annotation podwright\.dev/post-start-timeout"):
        post_start_limit(pod(text))
