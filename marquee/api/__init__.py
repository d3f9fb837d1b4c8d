"""The Python API: data, splits, models and their evaluation without a pipeline. `import marquee as mq`."""
# ruff: noqa: F401 - the names of marquee

from marquee.api.dataset import Dataset, load
from marquee.api.evaluate import Result, evaluate
from marquee.api.lists import recommend_movies, similar
from marquee.api.models import (
    ALS,
    EASE,
    IALS,
    MFBCE,
    SGDMF,
    AutoRec,
    BiasModel,
    ItemKNN,
    Model,
    NeuralMF,
    Popularity,
    PopularRecent,
)
from marquee.api.split import Part, split
from marquee.api.storage import load_model
from marquee.errors import MarqueeError
