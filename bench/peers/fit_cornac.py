"""cornac: `mf` by stochastic gradient descent, `bpr`. The data are given as arrays: its own reader is slow.

`shuffled` gives `mf` its rows in random order, else they come user by user; it keeps the order it gets.
"""

import time

import numpy as np
from cornac.data import Dataset
from protocol import arguments, read, report, save, shape, with_biases

task, folder, o = arguments(__doc__)
user, item, rating = read(folder, o["parts"].split(","))
if task == "mf" and o["shuffled"]:
    order = np.random.default_rng(o["seed"]).permutation(len(user))
    user, item, rating = user[order], item[order], rating[order]
n_users, n_items = shape(folder)
triples = (user.astype(np.int64), item.astype(np.int64), rating)
ids = [{n: n for n in range(count)} for count in (n_users, n_items)]
data = Dataset(n_users, n_items, *ids, triples, seed=o["seed"])
rates = {"k": o["dim"], "max_iter": o["epochs"], "num_threads": o["threads"]}
rates |= {"learning_rate": o["learning_rate"], "lambda_reg": o["regularization"]}
if task == "mf":
    from cornac.models import MF
    from cornac.models.mf import backend_cpu

    model, fit_sgd, took = MF(**rates), backend_cpu.fit_sgd, []

    def timed(*given: object) -> None:
        start = time.perf_counter()
        fit_sgd(*given)
        took.append((time.perf_counter() - start) / o["epochs"])

    backend_cpu.fit_sgd = timed  # all of its epochs are one call; what comes before is not counted
    model.fit(data)
    seconds = took * o["epochs"]
    rows = with_biases(model.global_mean, model.u_biases, model.i_biases, model.u_factors, model.i_factors)
else:
    from cornac.models import BPR

    whole = {}
    for epochs in (1, o["epochs"]):  # an epoch is what each further one costs
        model = BPR(**(rates | {"max_iter": epochs}))
        start = time.perf_counter()
        model.fit(data)
        whole[epochs] = time.perf_counter() - start
    seconds = [(whole[o["epochs"]] - whole[1]) / (o["epochs"] - 1)] * o["epochs"]
    rows = with_biases(0, np.zeros(n_users), model.i_biases, model.u_factors, model.i_factors)
report(seconds, len(user))
save(o.get("out"), *rows)
