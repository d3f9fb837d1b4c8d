"""`marquee check`: does every block of params.yaml have what its stage accepts, and does DVC run at all?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from pathlib import Path

from marquee import dvc_state, store, validate
from marquee.cli import back, project
from marquee.io import read_text, remove
from marquee.outputs import PARTIAL


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--prune", action="store_true", help="delete the outputs of models without a block")
    parser.add_argument("--restore", action="store_true", help="restore a dvc.lock that a killed run broke")


def run(args: Namespace) -> None:
    params = project.params()
    for line in dvc_state.require_intact(args.restore):
        print(line)
    validate.require_valid(params)
    store.require_writable()
    validate.require_machine(params, validate.known_sizes(params, Path("data/dataset.json")))
    print(f"params.yaml: no fault found, {len(params.models)} models")
    if args.prune and (removed := [*sweep(), *prune(params.models)]):
        print(f"removed {', '.join(removed)}")


def sweep() -> list[str]:
    """Delete what killed stages left half written; return the paths.

    A stage that runs again does it, too, but DVC may take its outputs from the cache instead.
    """
    found = [path for folder in back.OUTPUTS for path in sorted(Path(folder).rglob(f"*{PARTIAL}"))]
    for path in found:
        remove(path)
    return [str(path) for path in found if not any(parent in found for parent in path.parents)]


def prune(models: Collection[str]) -> list[str]:
    """Delete what stages wrote for models other than `models`, and forget these stages; return the paths.

    A name that is neither in dvc.lock nor a folder of data/evaluation is no model, but a user's own.
    """
    import yaml
    from dvc.utils.serialize import modify_yaml

    stages = yaml.safe_load(read_text(Path("dvc.yaml")))["stages"]
    outs = {kind: each["do"]["outs"] for kind, each in stages.items() if each.get("foreach") == "${models}"}
    locked = [stage.split("@") for stage in {*back.outputs().values()} if stage.split("@")[0] in outs]
    evaluated = (path.name for path in Path("data/evaluation").glob("*/"))
    gone = sorted({*evaluated, *(name for _, name in locked)} - {*models})
    templates = [one if isinstance(one, str) else next(iter(one)) for each in outs.values() for one in each]
    paths = [template.replace("${key}", name) for name in gone for template in templates]
    removed = [path for path in paths if back.removable(path, set())]
    back.remove(removed)
    for name in gone:  # what a fit leaves beside its model for a longer one
        Path(f"models/{name}.checkpoint.safetensors").unlink(missing_ok=True)
    if old := {f"{kind}@{name}" for kind, name in locked if name in gone}:
        with modify_yaml(back.LOCK) as lock:
            lock["stages"] = {stage: entry for stage, entry in lock["stages"].items() if stage not in old}
    return removed
