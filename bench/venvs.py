"""Keep a virtual environment for each peer, with the versions of bench/peers/<peer>.txt."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from bench.sizes import WORK

PEERS = Path(__file__).parent / "peers"


def python(peer: str) -> Path:
    """Give the interpreter of `peer` after installing its versions; ours for ""."""
    if not peer:
        return Path(sys.executable)
    folder, wanted = WORK / "envs" / peer, (PEERS / f"{peer}.txt").read_text("utf-8")
    ready, interpreter = folder / "ready.txt", folder / "bin" / "python"
    if not ready.is_file() or ready.read_text("utf-8") != wanted:
        print(f"{peer}: installing bench/peers/{peer}.txt", flush=True)
        if not interpreter.exists():
            venv.create(folder, with_pip=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r")
        subprocess.run([str(interpreter), *install, str(PEERS / f"{peer}.txt")], check=True)
        ready.write_text(wanted, "utf-8")
    return interpreter
