"""The function of neural collaborative filtering (He et al. 2017), for NumPy arrays and torch tensors.

    s(u, i) = c + b_u + b_i + h · (p_u ∘ q_i) + g · a_L
    a_k = relu(W_k a_{k-1} + w_k),  a_0 = [p'_u; q'_i]

Its weights are a mapping from names to float32 arrays, d the length of an embedding, k > 0:

    constant [1]
    user_bias [n_users], item_bias [n_items]
    user_product [n_users, d], item_product [n_items, d], product_out [d]    p, q, h
    user_hidden [n_users, d], item_hidden [n_items, d]                       p', q'
    w0_user [d, w_0], w0_item [d, w_0], w{k} [w_{k-1}, w_k], b{k} [w_k]      W and w; W_0 in two halves
    hidden_out [w_L]                                                         g

A part whose names are absent is left out of the sum. A user's rows are those of the names `user_...`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Weights = Mapping[str, Any]


def initial_weights(
    n_users: int,
    n_items: int,
    dim: int,
    product: bool,
    layers: Sequence[int],
    biases: bool,
    std: float,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return embeddings of deviation `std`, h of ones (a dot product), layers after He et al. (2015)."""

    def normal(*shape: int, std: float) -> np.ndarray:
        return rng.normal(0, std, shape).astype(np.float32)

    weights = {"constant": np.zeros(1, np.float32)}
    if biases:
        weights["user_bias"], weights["item_bias"] = np.zeros(n_users, "f4"), np.zeros(n_items, "f4")
    if product:
        weights["user_product"] = normal(n_users, dim, std=std)
        weights["item_product"] = normal(n_items, dim, std=std)
        weights["product_out"] = np.ones(dim, np.float32)
    if layers:
        weights["user_hidden"] = normal(n_users, dim, std=std)
        weights["item_hidden"] = normal(n_items, dim, std=std)
        weights["w0_user"] = normal(dim, layers[0], std=dim**-0.5)
        weights["w0_item"] = normal(dim, layers[0], std=dim**-0.5)
        for k, width in enumerate(layers):
            if k:
                weights[f"w{k}"] = normal(layers[k - 1], width, std=(2 / layers[k - 1]) ** 0.5)
            weights[f"b{k}"] = np.zeros(width, np.float32)
        weights["hidden_out"] = normal(layers[-1], std=layers[-1] ** -0.5)
    return weights


def identity(x: Any) -> Any:
    return x


def hidden_layers(w: Weights, user: Weights, item: Weights, drop: Callable[[Any], Any] = identity) -> list:
    """Return a_1 ... a_L, [..., m, n, w_k] each; empty where the network has no layers. See `score`."""
    if "w0_user" not in w:
        return []
    of_user = drop(user["user_hidden"]) @ w["w0_user"]  # (..., m, w_0)
    of_item = drop(item["item_hidden"]) @ w["w0_item"] + w["b0"]  # (..., n, w_0)
    layers = [(of_user[..., :, None, :] + of_item[..., None, :, :]).clip(min=0)]
    while f"w{(k := len(layers))}" in w:
        layers.append((drop(layers[-1]) @ w[f"w{k}"] + w[f"b{k}"]).clip(min=0))
    return layers


def score(
    w: Weights,
    user: Weights,
    item: Weights,
    hidden: list | None = None,
    drop: Callable[[Any], Any] = identity,
) -> Any:
    """Return [..., m, n]: the score of each of m users with each of n items.

    user    rows of the `user_` tables, [..., m] or [..., m, d]
    item    rows of the `item_` tables, [..., n] or [..., n, d]
    hidden  what `hidden_layers` returned for them, if that is known
    drop    dropout, while training
    """
    total = w["constant"]
    if "user_bias" in user:
        total = total + user["user_bias"][..., :, None] + item["item_bias"][..., None, :]
    if "user_product" in user:
        weighted = drop(user["user_product"]) * w["product_out"]
        total = total + weighted @ item["item_product"].swapaxes(-1, -2)
    layers = hidden_layers(w, user, item, drop) if hidden is None else hidden
    return total + layers[-1] @ w["hidden_out"] if layers else total


def user_gradient(
    w: Weights, item: Weights, hidden: list[np.ndarray], slope: np.ndarray
) -> dict[str, np.ndarray]:
    """Return d loss / d each `user_` row of one user, given `slope` [n], d loss / d the user's scores [n].

    hidden  what `hidden_layers` returned for them, [n, w_k] each
    """
    gradient = {}
    if "user_bias" in w:
        gradient["user_bias"] = slope.sum(keepdims=True)
    if "product_out" in w:
        gradient["user_product"] = w["product_out"] * (slope @ item["item_product"])
    if hidden:
        back = slope[:, None] * w["hidden_out"] * (hidden[-1] > 0)  # (n, w_L)
        for k in range(len(hidden) - 1, 0, -1):
            back = (back @ w[f"w{k}"].T) * (hidden[k - 1] > 0)
        gradient["user_hidden"] = w["w0_user"] @ back.sum(axis=0)
    return gradient
