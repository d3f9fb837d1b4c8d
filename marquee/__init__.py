"""Marquee: movie recommenders for a notebook or a pipeline.

    import marquee as mq

    ratings = mq.load("ml-100k", source="~/Downloads")  # or a pandas DataFrame of your own
    train, validation, test = mq.split(ratings, "leave_last_out", positive_threshold=4)
    model = mq.EASE(regularization=300).fit(train, validation)
    mq.evaluate(model, test)
    model.recommend({"Alien (1979)": 5, "Heat (1995)": 4}, k=10)

The names are those of `marquee.api`, which is imported when the first of them is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marquee.api import *  # noqa: F403

__version__ = "0.2.0"
__all__ = [  # noqa: F405
    "ALS",
    "EASE",
    "IALS",
    "MFBCE",
    "SGDMF",
    "AutoRec",
    "BiasModel",
    "Dataset",
    "ItemKNN",
    "MarqueeError",
    "Model",
    "NeuralMF",
    "Part",
    "PopularRecent",
    "Popularity",
    "Result",
    "__version__",
    "evaluate",
    "load",
    "load_model",
    "recommend_movies",
    "similar",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'marquee' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("marquee.api"), name)


def __dir__() -> list[str]:
    return __all__
