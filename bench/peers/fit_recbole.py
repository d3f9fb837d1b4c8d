"""RecBole: `bpr`. Threads: OMP_NUM_THREADS=1, which is its best."""

import logging
import os
import tempfile
from pathlib import Path

import numpy as np
from protocol import Laps, arguments, placed, read, report, save, shape
from recbole.config import Config
from recbole.data.dataloader import TrainDataLoader
from recbole.data.dataset import Dataset
from recbole.model.general_recommender import BPR
from recbole.sampler import Sampler
from recbole.trainer import Trainer
from recbole.utils import init_seed

task, folder, o = arguments(__doc__)
logging.disable(logging.INFO)
user, item, _ = read(folder, o["parts"].split(","))
with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)  # it writes logs where it runs
    (Path(scratch) / "data").mkdir()
    with (Path(scratch) / "data/data.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\n")
        np.savetxt(file, np.column_stack([user, item]), fmt="%d", delimiter="\t")
    given = {
        "data_path": scratch,
        "load_col": {"inter": ["user_id", "item_id"]},
        "embedding_size": o["dim"],
        "train_batch_size": o["batch_size"],
        "learning_rate": o["learning_rate"],
        "weight_decay": o["regularization"],
        "epochs": o["epochs"],
        "seed": o["seed"],
        "reproducibility": True,
        "device": "cpu",
        "use_gpu": False,
        "show_progress": False,
        "checkpoint_dir": scratch,
    }
    config = Config(model="BPR", dataset="data", config_dict=given)
    init_seed(o["seed"], True)
    data = Dataset(config)
    data._change_feat_format()
    sampler = Sampler(["train"], [data]).set_phase("train")
    batches = TrainDataLoader(config, data, sampler, shuffle=True)
    model = BPR(config, data)
    trainer = Trainer(config, model)
    laps = Laps()
    for epoch in range(o["epochs"]):
        trainer._train_epoch(batches, epoch)
        laps()
    os.chdir("/")
report(laps.seconds, len(user))

rows = []
for field, n, weights in zip(
    ("user_id", "item_id"),
    shape(folder),
    (model.user_embedding.weight, model.item_embedding.weight),
    strict=True,
):
    names = data.field2id_token[field][1:].astype(int)  # the first is for padding
    rows.append(placed(weights.detach().numpy()[1:], names, n))
save(o.get("out"), *rows)
