"""How far a fit is: its learning curve, its bar and its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from marquee.io import read_arrays, write_arrays


class FitProgress:
    """The `Progress` of a stage: a bar on the terminal and a checkpoint in one file.

    checkpoint  where `save` writes after each epoch, or None to keep none. The file's name must
                identify the fit (its parameters and inputs), or another one's weights come back.
    """

    def __init__(self, name: str = "", checkpoint: Path | None = None, show: bool = True) -> None:
        self.name = name
        self.checkpoint = checkpoint
        self.show = show
        self.rows: list[dict[str, float]] = []
        self._bar: tqdm | None = None

    def restore(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        if self.checkpoint is None or not self.checkpoint.is_file():
            return None
        arrays, text = read_arrays(self.checkpoint)
        stored = json.loads(text)
        self.rows = stored["rows"]
        return arrays, stored["metadata"]

    def save(self, arrays: dict[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        if self.checkpoint is not None:
            write_arrays(self.checkpoint, arrays, json.dumps({"rows": self.rows, "metadata": metadata}))

    def report(self, epoch: int, epochs: int, values: Mapping[str, float]) -> None:
        self.rows.append({"epoch": epoch, **values})
        if self.show and epochs > 1:
            if self._bar is None:
                self._bar = tqdm(total=epochs, initial=epoch - 1, desc=self.name, unit="epoch", leave=True)
            self._bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()}, refresh=False)
            self._bar.update()

    def table(self) -> tuple[list[str], list[list[object]]]:
        """The learning curve as a header and rows; empty cells where a model has no such value.

        loss        what training lowers
        train       for ratings, RMSE on those learned from; a model that goes through them in steps reports
                    the errors it made on the way, while it was still learning and with any dropout in place
        validation  what decides the epoch: RMSE for ratings, NDCG@10 for ranking
        """
        header = ["epoch", "loss", "train", "validation"]
        return header, [[row.get(name, "") for name in header] for row in self.rows]

    def close(self) -> None:
        """End the bar and forget the checkpoint: the fit is complete and stored elsewhere."""
        if self._bar is not None:
            self._bar.close()
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)
