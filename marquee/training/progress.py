"""Progress of a fit: its learning curve, its bar and its checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from marquee.errors import MarqueeError, explain
from marquee.io import read_arrays, remove, write_arrays
from marquee.terminal import LineProgress, progress_bar, say

if TYPE_CHECKING:
    from tqdm import tqdm

Arrays = dict[str, np.ndarray]


class Progress(Protocol):
    """Receive the learning curve of a fit, and store what the fit needs to go on after a crash."""

    def restore(self) -> tuple[Arrays, dict[str, Any]] | None:
        """Return what `save` stored last for this very fit, or None."""

    def discard(self, error: Exception) -> None:
        """Forget what `restore` returned: it does not fit, by `error`, and training starts afresh."""

    def save(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        """Store a checkpoint: named arrays and a block of JSON."""

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        """Add a row to the learning curve, in the order of epochs, and a step to the bar."""


class FitProgress:
    """Show a bar on the terminal, and write checkpoints to one file.

    checkpoint  where `save` writes after each epoch; None: nowhere. The file's name must identify the fit
                (its parameters and inputs), or the weights of another fit are restored
    """

    def __init__(self, name: str = "", checkpoint: Path | None = None, show: bool = True) -> None:
        self.name = name
        self.checkpoint = checkpoint
        self.show = show
        self.rows: list[dict[str, float]] = []
        self._bar: tqdm | LineProgress | None = None

    def restore(self) -> tuple[Arrays, dict[str, Any]] | None:
        if self.checkpoint is None or not os.path.lexists(self.checkpoint):
            return None
        try:
            arrays, text = read_arrays(self.checkpoint)
            stored = json.loads(text)
            if stored["fit"] != self.checkpoint.stem:
                raise ValueError("it belongs to another fit")
            rows, metadata = stored["rows"], stored["metadata"]
        except (MarqueeError, OSError, ValueError, KeyError, TypeError) as error:
            self.discard(error)
            return None
        self.rows = rows
        return arrays, metadata

    def discard(self, error: Exception) -> None:
        say(
            f"{self.name or 'fit'}: the checkpoint {self.checkpoint} cannot be used, training starts afresh "
            f"({str(error).partition(':')[0]})"
        )
        self.rows = []
        if self.checkpoint is not None:
            remove(self.checkpoint)

    def save(self, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        if self.checkpoint is None:
            return
        note = {"fit": self.checkpoint.stem, "rows": self.rows, "metadata": metadata}
        try:
            write_arrays(self.checkpoint, arrays, json.dumps(note), sync=False)  # a damaged one is as none
        except (OSError, MarqueeError) as error:  # the fit itself is not at fault
            say(
                f"{self.name or 'fit'}: no checkpoint is kept, a killed training starts afresh "
                f"({explain(error)})"
            )
            self.checkpoint = None

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        self.rows.append({"epoch": epoch, **values})
        if self.show and epochs > 1:
            if self._bar is None:
                self._bar = progress_bar(epochs, epoch - 1, self.name, "epoch")
            self._bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()}, refresh=False)
            self._bar.update()

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Return the learning curve as a header and rows; a cell is empty where a model has no such value.

        loss        what training minimizes
        train       for rating, RMSE on the training ratings; a model that takes steps reports the errors
                    before each step, with any dropout in place
        validation  what decides the best epoch: RMSE for rating, NDCG@10 for ranking
        """
        header = ["epoch", "loss", "train", "validation"]
        return header, [[row.get(name, "") for name in header] for row in self.rows]

    def close(self) -> None:
        """End the bar and delete the checkpoint: the fit is complete and stored elsewhere."""
        if self._bar is not None:
            self._bar.close()
        if self.checkpoint is not None:
            remove(self.checkpoint)
