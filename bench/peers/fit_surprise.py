"""Surprise: `svd` by stochastic gradient descent, one thread."""

import time

import numpy as np
from protocol import arguments, read, report, save, shape, with_biases
from surprise import SVD, Trainset

task, folder, o = arguments(__doc__)
user, item, rating = read(folder, o["parts"].split(","))
n_users, n_items = shape(folder)
rows: dict[int, list] = {n: [] for n in range(n_users)}
columns: dict[int, list] = {n: [] for n in range(n_items)}
for u, i, r in zip(user.tolist(), item.tolist(), rating.tolist(), strict=True):
    rows[u].append((i, r))
    columns[i].append((u, r))
ids = [{n: n for n in range(count)} for count in (n_users, n_items)]
data = Trainset(rows, columns, n_users, n_items, len(user), (0.5, 5), *ids)
model = SVD(
    n_factors=o["dim"],
    n_epochs=o["epochs"],
    lr_all=o["learning_rate"],
    reg_all=o["regularization"],
    random_state=o["seed"],
)
start = time.perf_counter()
model.fit(data)  # its start is milliseconds
seconds = [(time.perf_counter() - start) / o["epochs"]] * o["epochs"]
report(seconds, len(user))
save(o.get("out"), *with_biases(float(np.mean(rating)), model.bu, model.bi, model.pu, model.qi))
