"""implicit: `als` with ranking settings, `bpr`. Threads: OPENBLAS_NUM_THREADS=1 and `threads`."""

from protocol import arguments, matrix, report, save

task, folder, o = arguments(__doc__)
positives = matrix(folder, o["parts"].split(","), 1.0)
if task == "als":
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=o["dim"],
        regularization=o["regularization"],
        alpha=o["alpha"],
        iterations=o["epochs"],
        use_cg=o["cg"],
        num_threads=o["threads"],
        random_state=o["seed"],
    )
else:
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=o["dim"],  # and a column for the bias
        learning_rate=o["learning_rate"],
        regularization=o["regularization"],
        iterations=o["epochs"],
        num_threads=o["threads"],
        random_state=o["seed"],
    )
seconds: list[float] = []
model.fit(positives, show_progress=False, callback=lambda epoch, elapsed, *_: seconds.append(elapsed))
report(seconds, positives.nnz)
save(o.get("out"), model.user_factors, model.item_factors)
