"""What the contract suite is run on: name it here, and a new algorithm gets all of its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marquee import recommenders

HOW_TO = Path(__file__).parents[2] / "docs/how-to"  # the example of add-an-algorithm.md is tested, too
if str(HOW_TO) not in recommenders.__path__:
    recommenders.__path__.append(str(HOW_TO))

# name: (algorithm, task, options, how many of a training user's top 10 of 40 a fold-in gives back)
CASES: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "popularity": ("popularity", "ranking", {}, 10),
    "popular_recent": ("popular_recent", "ranking", {"days": 7}, 10),
    "bias": ("bias", "rating", {}, 10),
    "bias_damped": ("bias", "rating", {"user_damping": 1, "item_damping": 10, "sweeps": 3}, 10),
    "ease": ("ease", "ranking", {"regularization": 1}, 10),
    "ease_truncated": ("ease", "ranking", {"regularization": 1, "max_memory_gib": 8 * 35**2 / 2**30}, 10),
    "random_walk": ("random_walk", "ranking", {"penalty": 0.3}, 10),
    "item_knn": ("item_knn", "ranking", {"n_neighbors": 10}, 10),
    "item_knn_few": ("item_knn", "ranking", {"n_neighbors": 5, "shrinkage": 3}, 10),
    "mf_bce": ("mf_bce", "ranking", {"dim": 4, "epochs": 60, "learning_rate": 0.02, "batch_size": 64}, 7),
    "mf_bce_eight": (
        "mf_bce",
        "ranking",
        {"dim": 4, "epochs": 40, "learning_rate": 0.02, "negatives_per_positive": 8},
        7,
    ),
    "mf_bce_stored": (
        "mf_bce",
        "ranking",
        {
            "dim": 4,
            "epochs": 60,
            "learning_rate": 0.02,
            "resample_negatives": False,
            "init_std": 0.2,
            "weight_decay": 1e-5,
            "regularization": 0.001,
            "device": "cpu",
        },
        7,
    ),
    "mf_bce_expected": (
        "mf_bce",
        "ranking",
        {
            "dim": 4,
            "epochs": 60,
            "learning_rate": 0.05,
            "batch_size": 16,
            "expected_negatives": True,
            "negatives_per_positive": 8,
            "regularization": 0.003,
            "ema_decay": 0.9,
        },
        9,
    ),
    "gmf": ("neural_mf", "rating", {"dim": 4, "epochs": 30, "learning_rate": 0.02, "batch_size": 64}, 7),
    "neumf": (
        "neural_mf",
        "rating",
        {
            "dim": 4,
            "mlp_layers": [8, 4],
            "epochs": 30,
            "learning_rate": 0.01,
            "batch_size": 64,
            "dropout": 0.1,
        },
        6,
    ),
    "mlp": (
        "neural_mf",
        "rating",
        {
            "dim": 4,
            "gmf": False,
            "mlp_layers": [8],
            "use_biases": False,
            "init_std": 0.3,
            "epochs": 20,
            "learning_rate": 0.02,
            "learning_rate_decay": 0.9,
            "regularization": 0.01,
            "device": "cpu",
        },
        6,
    ),
    "gmf_ranking": (
        "neural_mf",
        "ranking",
        {"dim": 4, "epochs": 60, "learning_rate": 0.02, "regularization": 0.02, "negatives_per_positive": 8},
        7,
    ),
    "neumf_ranking": (
        "neural_mf",
        "ranking",
        {
            "dim": 4,
            "mlp_layers": [8, 4],
            "epochs": 60,
            "learning_rate": 0.01,
            "weight_decay": 0.001,
            "batch_size": 64,
            "resample_negatives": False,
        },
        8,
    ),
    "ials": ("ials", "ranking", {"dim": 4}, 10),
    "ials_even": (
        "ials",
        "ranking",
        {"dim": 4, "regularization": 2, "unobserved_weight": 0.5, "frequency_exponent": 0}
        | {"epochs": 8, "init_std": 1},
        10,
    ),
    "sgd_mf": ("sgd_mf", "rating", {}, 9),
    "sgd_mf_biased": ("sgd_mf", "rating", {"dim": 8, "use_biases": True, "regularization": 0.1}, 9),
    "sgd_mf_decaying": (
        "sgd_mf",
        "rating",
        {
            "dim": 8,
            "use_biases": True,
            "learning_rate": 0.02,
            "learning_rate_decay": 0.95,
            "init_std": 0.05,
            "epochs": 40,
        },
        9,
    ),
    "sgd_mf_numpy": ("sgd_mf", "rating", {"epochs": 10, "kernel": "numpy"}, 8),
    "als_bias": ("als", "rating", {"dim": 0}, 10),
    "als_mf": ("als", "rating", {"dim": 4}, 10),
    "als_genres": ("als", "rating", {"dim": 4, "use_genres": True}, 10),
    "als_all": (
        "als",
        "rating",
        {
            "dim": 4,
            "regularization": 2,
            "user_bias_regularization": 3,
            "item_bias_regularization": 1,
            "frequency_exponent": 0.5,
            "use_genres": True,
            "genre_regularization": 1,
            "genre_bias_regularization": 0.1,
            "epochs": 10,
            "init_std": 0.2,
        },
        10,
    ),
    "autorec_user": ("autorec", "rating", {"hidden_dim": 8, "epochs": 10, "weight_decay": 1}, 10),
    "autorec_user_centred": (
        "autorec",
        "rating",
        {"hidden_dim": 8, "epochs": 10, "center": "biases", "output_activation": "sigmoid", "dropout": 0.2}
        | {"learning_rate": 0.01, "batch_size": 32, "device": "cpu"},
        10,
    ),
    "autorec_item": (
        "autorec",
        "rating",
        {"side": "item", "hidden_dim": 8, "hidden_activation": "sigmoid", "epochs": 300, "weight_decay": 1},
        7,
    ),
}
