"""Why a container or a Pod cannot go on, as exceptions that carry what its status will show.

    WaitingError   a container stays waiting: `reason` and `message` stand in its status
      ImageError · ContainerConfigError · CreateError · RunError · PostStartError · CrashLoopError
    SandboxError   no sandbox could be made; the Pod stays Pending and is tried again
    TerminalError  the Pod can never run: phase Failed with `reason` and `message`

The text of an error is what the user reads, so it says what to do where that is known.
"""

from __future__ import annotations

from podwright.api.reasons import Waiting


class WaitingError(Exception):
    """A container start that failed; shown as `state.waiting`."""

    def __init__(self, reason: Waiting | str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = str(reason)
        self.message = message
        self.retry_after = retry_after
        """Seconds until another attempt makes sense; None: the worker's own back-off decides."""


class ImageError(WaitingError):
    """The image is not there and could not be got."""


class ContainerConfigError(WaitingError):
    """The environment, mounts or security of the container could not be made (CreateContainerConfigError)."""

    def __init__(self, message: str) -> None:
        super().__init__(Waiting.CREATE_CONTAINER_CONFIG_ERROR, message)


class CreateError(WaitingError):
    """The runtime did not create the container."""

    def __init__(self, message: str) -> None:
        super().__init__(Waiting.CREATE_CONTAINER_ERROR, message)


class RunError(WaitingError):
    """The runtime did not start the container."""

    def __init__(self, message: str) -> None:
        super().__init__(Waiting.RUN_CONTAINER_ERROR, message)


class PostStartError(WaitingError):
    """The postStart hook failed; the container was killed."""

    def __init__(self, message: str) -> None:
        super().__init__(Waiting.POST_START_HOOK_ERROR, message)


class CrashLoopError(WaitingError):
    """The container ended too often; it waits for its back-off."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(Waiting.CRASH_LOOP_BACK_OFF, message, retry_after)


class SandboxError(Exception):
    """No sandbox could be made this time."""


class TerminalError(Exception):
    """The Pod can never run here."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
