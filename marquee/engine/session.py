"""Start Spark when it is first needed, quietly and on this machine alone, and stop it at exit."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import IO, Any

from marquee.engine.settings import spark_conf, spark_master
from marquee.errors import MarqueeError

PACKAGE = Path(__file__).parents[1]
OLDEST_JAVA = 17
INSTALL_JAVA = (
    "install Java 17 (`apt install openjdk-17-jre-headless`), set JAVA_HOME, or unset MARQUEE_ENGINE"
)
ARCHIVE = "marquee-code"
FOLDER = "marquee-spark-"  # how the name of one with files of Spark begins
LOCK = "lock"  # a file in it, locked as long as its process runs
QUIET = """rootLogger.level = off
"""
JAVA_OPTIONS = ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions")
ON_EXECUTORS = {  # of their Python processes: one core each, and no engine in the engine
    "MARQUEE_ENGINE": "local",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


@dataclass
class _Running:
    settings: tuple[str, dict[str, str]]
    context: Any
    code: str | None  # the folder of Marquee's code below an executor's files; None where it reads ours


_running: _Running | None = None
_folder: Path | None = None
_lock: IO[bytes] | None = None
_numbers = count()


def context() -> Any:
    """Return the SparkContext for the variables as they are now, started if need be.

    Raises MarqueeError where PySpark or Java is missing, or Spark does not start.
    """
    global _running
    settings = spark_master(), spark_conf()
    if _running is not None and _running.settings == settings:
        return _running.context
    stop()
    _require_java()
    _running = _start(*settings)
    return _running.context


def code_on_executors() -> str | None:
    assert _running is not None
    return _running.code


def stop() -> None:
    """Stop Spark, if it runs; the next job starts it again."""
    global _running
    if _running is not None:
        running, _running = _running, None
        running.context.stop()


def _require_java() -> None:
    if find_spec("pyspark") is None:
        raise MarqueeError('MARQUEE_ENGINE=spark needs PySpark: run `pip install ".[spark]"`')
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise MarqueeError(f"MARQUEE_ENGINE=spark needs Java, which is not found: {INSTALL_JAVA}")
    if (Path(java).resolve().parents[1] / "release").is_file():
        text = (Path(java).resolve().parents[1] / "release").read_text("utf-8", errors="replace")
        version = text.partition('JAVA_VERSION="')[2].partition('"')[0].split(".")[0]
        if version.isdecimal() and int(version) < OLDEST_JAVA:
            raise MarqueeError(
                f"MARQUEE_ENGINE=spark needs Java {OLDEST_JAVA} and found {version}: {INSTALL_JAVA}"
            )


def _start(master: str, chosen: dict[str, str]) -> _Running:
    from pyspark import SparkConf, SparkContext

    folder = _work_folder()
    here = master.startswith("local")
    logging = f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}"
    settings = {
        "spark.app.name": "marquee",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.maxResultSize": "0",  # jobs are cut by the size of results instead
        "spark.rpc.message.maxSize": "1024",  # MiB, of a task with its blocks
        "spark.local.dir": str(folder),
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": logging,
        "spark.memory.fraction": "0.3",  # of the heap for blocks of broadcasts; more of them lie on the disk
        "spark.broadcast.compress": "false",  # factors and ids gain little from it
        "spark.python.worker.reuse": "true",
    }
    settings |= {f"spark.executorEnv.{name}": value for name, value in ON_EXECUTORS.items()}
    if here:
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings["spark.executor.extraJavaOptions"] = logging
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings["spark.executorEnv.PYTHONPATH"] = str(PACKAGE.parent)
    if master.startswith("local-cluster") and "SPARK_HOME" not in os.environ:
        os.environ["SPARK_HOME"] = str(_spark_home(folder))
    options = {key: settings[key] for key in JAVA_OPTIONS if key in settings}
    settings |= chosen | {key: f"{own} {chosen[key]}" for key, own in options.items() if key in chosen}
    if settings.get("spark.io.encryption.enabled") == "true":
        raise MarqueeError(
            "MARQUEE_SPARK_CONF sets spark.io.encryption.enabled=true, which shared arrays do not support: "
            "encrypt the executors' disks instead, and set spark.network.crypto.enabled=true for the network"
        )
    conf = SparkConf(loadDefaults=True).setMaster(master).setAll(list(settings.items()))
    log = folder / "spark.log"
    try:
        with _stderr_into(log):
            started = SparkContext(conf=conf)
        code = None if master.startswith("local[") or master == "local" else _ship(started, folder)
    except Exception as error:
        raise MarqueeError(
            f"Spark does not start at {master} ({_why(error, log)}): "
            "check MARQUEE_SPARK_MASTER and MARQUEE_SPARK_CONF"
        ) from error
    return _Running((master, chosen), started, code)


def _ship(started: Any, folder: Path) -> str:
    """Send the package's code to the executors, so that theirs is never another version than the driver's."""
    archive = folder / f"{ARCHIVE}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(PACKAGE.parent))
    started.addArchive(f"{archive}#{ARCHIVE}")
    return ARCHIVE


def _work_folder() -> Path:
    """Return a folder for the files of Spark in this process, removed at exit."""
    global _folder, _lock
    if _folder is None:
        _remove_stale(Path(tempfile.gettempdir()))
        _folder = Path(tempfile.mkdtemp(prefix=FOLDER))
        _lock = _locked(_folder / LOCK)
        (_folder / "log4j2.properties").write_text(QUIET, encoding="utf-8")
        atexit.register(_clean)
    return _folder


def _remove_stale(parent: Path) -> None:
    """Remove the folders of processes that were killed: those whose lock nobody holds."""
    for lock in parent.glob(f"{FOLDER}*/{LOCK}"):
        if (file := _locked(lock)) is not None:
            shutil.rmtree(lock.parent, ignore_errors=True)
            file.close()


def _locked(path: Path) -> IO[bytes] | None:
    """Return the file at `path`, locked until it is closed or this process ends; None where that fails."""
    with suppress(ImportError, OSError):  # not on Windows; held by another process, or another user's
        import fcntl

        file = path.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    return None


def _clean() -> None:
    from pyspark import SparkContext

    stop()
    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(30)
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)


def new_file() -> Path:
    """Return the path of a file that is not there yet, in this process's folder for Spark."""
    return _work_folder() / f"shared-{next(_numbers)}"


def _spark_home(folder: Path) -> Path:
    """Return links to PySpark's folder: workers of a local cluster write into what they take for it."""
    import pyspark

    home = folder / "home"
    if not home.exists():
        home.mkdir()
        for path in Path(pyspark.__file__).parent.iterdir():
            (home / path.name).symlink_to(path)
    return home


@contextmanager
def _stderr_into(log: Path) -> Iterator[None]:
    """Let a process that starts in the block write its errors to `log`: the terminal has one line of ours."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _why(error: Exception, log: Path) -> str:
    """Return the line that says why Spark did not start."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    java = [line for line in lines if "Exception" in line]
    tail = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    useful = [line for line in (*java, *tail) if "Exception" in line or "Error" in line]
    return (useful or lines or [type(error).__name__])[0].lstrip(": ")[:200]
