"""Spark: `als`, or `ials` of implicit feedback, on local[threads]; needs Java.

An iteration is a part of the whole fit. The setting `lists` also times `recommendForAllUsers` of so many
items, which keeps what a user has rated, or, for more than `most` users, `recommendForUserSubset` of so many:
it prints its seconds as another JSON line, before the last.
"""

import json
import os
import shutil
import time

import numpy as np
import pandas as pd
from protocol import arguments, placed, read, report, save, shape
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

if not shutil.which("java") and "JAVA_HOME" not in os.environ:
    raise SystemExit("no Java here: Spark needs a JRE, 17 or later")
task, folder, o = arguments(__doc__)
user, item, rating = read(folder, o["parts"].split(","))
session = SparkSession.builder.master(f"local[{o['threads']}]").config("spark.driver.memory", "6g")
session = session.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
session = session.getOrCreate()
frame = session.createDataFrame(pd.DataFrame({"user": user, "item": item, "rating": rating}))
frame = frame.repartition(o["threads"]).cache()
frame.count()
for epochs in (1, o["epochs"]):  # the first fit warms the compiler of the JVM
    fit = ALS(rank=o["dim"], maxIter=epochs, regParam=o["regularization"], seed=o["seed"])
    if task == "ials":
        fit = fit.setImplicitPrefs(True).setAlpha(o["alpha"])
    start = time.perf_counter()
    model = fit.setUserCol("user").setItemCol("item").setRatingCol("rating").fit(frame)
    took = time.perf_counter() - start
if "lists" in o:
    users = np.unique(user)
    some = session.createDataFrame(pd.DataFrame({"user": users[: o["most"]]}))
    start = time.perf_counter()
    if len(users) <= o["most"]:
        lists = model.recommendForAllUsers(o["lists"])
    else:
        lists = model.recommendForUserSubset(some, o["lists"])
    lists.write.format("noop").mode("overwrite").save()
    listed = min(len(users), o["most"])
    print(json.dumps({"seconds": time.perf_counter() - start, "users": listed}), flush=True)
java = session.sparkContext._gateway.proc.pid  # where the work and the memory are
report([took / o["epochs"]] * o["epochs"], len(user), str(java))
if "out" in o:
    rows = []
    for side, n in zip((model.userFactors, model.itemFactors), shape(folder), strict=True):
        learned = side.toPandas()
        rows.append(placed(np.stack(learned["features"]), learned["id"], n))
    save(o["out"], *rows)
session.stop()
