from __future__ import annotations

from collections.abc import Callable


class Waiting:
    """Stands in for the module `time`: sleeping moves its clock, at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._now = 1000.0
        self._meanwhile: Callable[[], object] | None = None

    def sleep(self, seconds: float) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()
        self.seconds.append(seconds)
        self.pass_by(seconds)

    def monotonic(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        """Time that goes by without the requester's doing."""
        self._now += seconds

    def during_the_next(self, meanwhile: Callable[[], object]) -> None:
        """What another worker does as soon as one sleeps."""
        self._meanwhile = meanwhile
