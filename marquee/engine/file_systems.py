"""Copy files from any file system that Spark reads: `file:`, `hdfs:`, and with further jars `s3a:`, `gs:`."""

from __future__ import annotations

from pathlib import Path

from marquee.engine.session import context
from marquee.errors import MarqueeError


def copy_from(address: str, target: Path) -> None:
    """Copy the file or folder at `address` to `target`, which does not exist.

    Raises MarqueeError where nothing is there, or Spark does not read such an address.
    """
    from py4j.protocol import Py4JJavaError

    target.parent.mkdir(parents=True, exist_ok=True)
    spark = context()
    hadoop = spark._jvm.org.apache.hadoop.fs
    try:
        path = hadoop.Path(address)
        path.getFileSystem(spark._jsc.hadoopConfiguration()).copyToLocalFile(
            False, path, hadoop.Path(str(target.absolute())), True
        )
    except Py4JJavaError as error:
        cause = error.java_exception
        said = str(cause.getMessage() or cause.getClass().getName()).splitlines()[0][:200]
        raise MarqueeError(
            f"dataset.source is {address!r}, which Spark does not read ({said}): correct it, or add "
            "the file system's jars by spark.jars.packages in MARQUEE_SPARK_CONF"
        ) from None
