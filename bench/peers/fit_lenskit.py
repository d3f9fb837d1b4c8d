"""LensKit: `biased_mf` and `implicit_mf`, by alternating least squares. Threads: LK_NUM_THREADS."""

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer, ImplicitMFScorer
from lenskit.data import from_interactions_df
from lenskit.training import TrainingOptions
from protocol import Laps, arguments, placed, read, report, save, shape, with_biases

task, folder, o = arguments(__doc__)
user, item, rating = read(folder, o["parts"].split(","))
frame = pd.DataFrame({"user_id": user, "item_id": item})
if task == "biased_mf":
    frame["rating"] = rating
data = from_interactions_df(frame)
del frame
given = {"embedding_size": o["dim"], "epochs": o["epochs"], "regularization": o["regularization"]}
if task == "biased_mf":
    model = BiasedMFScorer(**given, damping=o["damping"])
else:
    model = ImplicitMFScorer(**given, weight=o["weight"])
trainer = model.create_trainer(data, TrainingOptions(rng=o["seed"]))
laps = Laps()
for _ in range(o["epochs"]):
    trainer.train_epoch()
    laps()
trainer.finalize()
report(laps.seconds, len(user))

n_users, n_items = shape(folder)
users = placed(model.user_embeddings, model.users.ids(), n_users)
items = placed(model.item_embeddings, model.items.ids(), n_items)
if task == "biased_mf":
    biases = model.bias
    user_bias = placed(np.asarray(biases.user_biases), model.users.ids(), n_users)
    item_bias = placed(np.asarray(biases.item_biases), model.items.ids(), n_items)
    users, items = with_biases(biases.global_bias, user_bias, item_bias, users, items)
save(o.get("out"), users, items)
