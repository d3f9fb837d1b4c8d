"""Stage `plot@<model>`: draw how one model trained, where it errs and what it learned."""

from __future__ import annotations

from pathlib import Path

from marquee.config import Params
from marquee.evaluation.learned import read_learned
from marquee.figures.captioned import save_figures
from marquee.figures.model_figures import gallery, model_figures
from marquee.io import atomic_folder, read_curve, read_sealed, write_text
from stages._runner import run


def main(params: Params, name: str) -> None:
    evaluated = Path("data/evaluation") / name
    task = read_sealed(evaluated / "metrics.json")["task"]
    curve = read_curve(Path(f"plots/train/{name}.csv"))
    residuals = read_sealed(evaluated / "residuals.json") if task == "rating" else None
    figures = model_figures(task, curve, residuals, read_learned(evaluated))
    with atomic_folder(Path("data/figures/models") / name) as folder:
        save_figures(folder, figures)
        write_text(folder / "README.md", gallery(name, figures))


if __name__ == "__main__":
    run(main)
