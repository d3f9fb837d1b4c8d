"""A fit that is killed right after one of its checkpoints."""

from __future__ import annotations

from marquee.training.progress import FitProgress


class Killed(BaseException):
    """Not an Exception: nothing between the fit and the test may catch it."""


class CrashingProgress(FitProgress):
    """Dies right after the checkpoint of epoch `last`."""

    def __init__(self, checkpoint, last):
        super().__init__(checkpoint=checkpoint, show=False)
        self.last = last

    def save(self, arrays, metadata):
        super().save(arrays, metadata)
        if metadata["epoch"] == self.last:
            raise Killed
