"""Spark: `als` on local[threads]; needs Java. An iteration is what each further one costs."""

import time

import pandas as pd
from protocol import arguments, read, tell
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

task, folder, o = arguments()
user, item, rating = read(folder, o["parts"].split(","))
session = SparkSession.builder.master(f"local[{o['threads']}]").config("spark.driver.memory", "6g")
session = session.config("spark.ui.enabled", "false").getOrCreate()
frame = session.createDataFrame(pd.DataFrame({"user": user, "item": item, "rating": rating}))
frame = frame.repartition(o["threads"]).cache()
frame.count()
whole = {}
for epochs in (1, o["epochs"]):
    model = ALS(rank=o["dim"], maxIter=epochs, regParam=o["regularization"], seed=o["seed"])
    start = time.perf_counter()
    model.setUserCol("user").setItemCol("item").setRatingCol("rating").fit(frame)
    whole[epochs] = time.perf_counter() - start
tell([(whole[o["epochs"]] - whole[1]) / (o["epochs"] - 1)] * o["epochs"], len(user))
session.stop()
