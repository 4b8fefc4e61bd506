"""How much of the store's history is kept: what watches and continue tokens of the last minutes need.

Pure; `server.py` asks once a minute and has the store forget the rest. A client with an older revision is told 410 and
lists anew; a list that was begun before goes on with the token that the 410 carries.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
"""

from __future__ import annotations

from collections import deque


class Forgetting:
    """What may be forgotten, by what was the newest revision when."""

    def __init__(self, seconds: float, revisions: int) -> None:
        """Keep what came in the last `seconds`, and of that no more than `revisions`."""
        self._seconds = seconds
        self._revisions = revisions
        self._seen: deque[tuple[float, int]] = deque()
        self._old = 0

    def keep_after(self, now: float, newest: int) -> int:
        """The revision after which history is kept, at monotonic second `now` and with `newest` the newest revision."""
        self._seen.append((now, newest))
        while self._seen and self._seen[0][0] <= now - self._seconds:
            self._old = self._seen.popleft()[1]
        return max(self._old, newest - self._revisions)
