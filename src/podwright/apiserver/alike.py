"""What was worked out for a value is kept for the next one that is the same.

Pods come by the hundred from one template: their specs are alike to the letter, and so are the answers to what is asked
of each of them (is it right? who owns which field?). Writing a spec as JSON and hashing that takes 3 us, judging it 40.
Called by `ownership` and the strategy of Pods.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
KEPT = 256
LARGEST = 16 * 1024
"""Bytes of JSON; what is larger is worked out each time."""
_encode = msgspec.json.Encoder().encode


class Alike(Generic[T]):
    """Answers by the values that they are for, the newest few hundred of them.

    Values are known by a digest. The answers are shared: nobody may change them.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, T] = OrderedDict()

    def of(self, value: Any, work_out: Callable[[], T], keep: Callable[[T], bool] = bool) -> T:
        """The answer for `value` (JSON), by `work_out` where it is not known; kept if `keep` says so of it."""
        written = _encode(value)
        if len(written) > LARGEST:
            return work_out()
        key = blake2b(written, digest_size=16).digest()
        answer = self._answers.get(key)
        if answer is None:
            answer = work_out()
            if keep(answer):
                self._answers[key] = answer
                if len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
        return answer
