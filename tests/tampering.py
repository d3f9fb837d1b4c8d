"""Ways to damage the files of a project, each a function of the bytes, chosen by a seeded generator."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Damage = Callable[[Path, random.Random], None]


def missing(path: Path, chance: random.Random) -> None:
    path.unlink()


def empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def zeros(path: Path, chance: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def truncated(path: Path, chance: random.Random) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: chance.randrange(len(whole))])


def last_byte_lost(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def beginning_lost(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[chance.randrange(1, 16) :])


def byte_flipped(path: Path, chance: random.Random) -> None:
    whole = bytearray(path.read_bytes())
    whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    path.write_bytes(whole)


def block_lost(path: Path, chance: random.Random) -> None:
    """A sector of zeros in the middle, as a failing disk leaves it."""
    whole = bytearray(path.read_bytes())
    at = chance.randrange(len(whole))
    whole[at : at + 64] = bytes(len(whole[at : at + 64]))
    path.write_bytes(whole)


def noise(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(500))


def text(path: Path, chance: random.Random) -> None:
    path.write_text("<html><body>404 Not Found</body></html>\n" * chance.randrange(1, 9))


def utf_16(path: Path, chance: random.Random) -> None:
    path.write_bytes("{}\n".encode("utf-16"))


def folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def dangling_link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def circular_link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def doubled(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() * 2)


def _json(change: Callable[[dict[str, Any], random.Random], Any]) -> Damage:
    def damage(path: Path, chance: random.Random) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()), chance)))

    damage.__name__ = change.__name__.removeprefix("_")
    return damage


def _values(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below `content`."""
    for key, value in list(content.items() if isinstance(content, dict) else enumerate(content)):
        yield content, key
        if isinstance(value, dict | list):
            yield from _values(value)


@_json
def key_lost(content, chance):
    place, key = chance.choice(list(_values(content)))
    del place[key]
    return content


@_json
def key_added(content, chance):
    return {**content, "surprise": 1}


@_json
def value_of_another_type(content, chance):
    place, key = chance.choice(list(_values(content)))
    place[key] = chance.choice([None, "text", -7, 1e300, [], {}, True])
    return content


@_json
def not_a_number(content, chance):
    place, key = chance.choice(list(_values(content)))
    place[key] = float("nan")
    return content


@_json
def no_object(content, chance):
    return chance.choice([[], None, 3, "text", {}])


def _table(change: Callable[[Any, random.Random], Any]) -> Damage:
    def damage(path: Path, chance: random.Random) -> None:
        import pyarrow.parquet as pq

        pq.write_table(change(pq.read_table(path), chance), path)

    damage.__name__ = change.__name__
    return damage


@_table
def column_lost(table, chance):
    return table.drop_columns([chance.choice(table.column_names)])


@_table
def column_of_text(table, chance):
    import pyarrow as pa

    n = chance.randrange(table.num_columns)
    return table.set_column(n, table.column_names[n], pa.array(["x"] * table.num_rows))


@_table
def column_of_nulls(table, chance):
    import pyarrow as pa

    n = chance.randrange(table.num_columns)
    nulls = pa.nulls(table.num_rows, table.schema.field(n).type)
    return table.set_column(n, table.column_names[n], nulls)


@_table
def rows_lost(table, chance):
    return table.slice(0, table.num_rows // 2)


@_table
def no_rows(table, chance):
    return table.slice(0, 0)


@_table
def huge_numbers(table, chance):
    import pyarrow as pa

    numbers = [n for n, field in enumerate(table.schema) if pa.types.is_integer(field.type)]
    n = chance.choice(numbers)
    field = table.schema.field(n)
    return table.set_column(n, field.name, pa.array([30_000] * table.num_rows, field.type))


def _arrays(change: Callable[[dict[str, np.ndarray], str, random.Random], None]) -> Damage:
    def damage(path: Path, chance: random.Random) -> None:
        from safetensors import safe_open
        from safetensors.numpy import save_file

        with safe_open(path, framework="numpy") as file:
            arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
        change(arrays, chance.choice(sorted(arrays)), chance)
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, metadata)

    damage.__name__ = change.__name__
    return damage


@_arrays
def weights_not_a_number(arrays, name, chance):
    arrays[name] = np.full_like(arrays[name], np.nan if arrays[name].dtype.kind == "f" else -1)


@_arrays
def weights_of_zero(arrays, name, chance):
    arrays[name] = np.zeros_like(arrays[name]) if arrays[name].any() else arrays[name] + 1


@_arrays
def weights_flipped(arrays, name, chance):
    arrays[name] = arrays[name].T if arrays[name].ndim > 1 else arrays[name][:-1]


@_arrays
def weights_of_another_type(arrays, name, chance):
    arrays[name] = arrays[name].astype(np.float16)


@_arrays
def weights_lost(arrays, name, chance):
    del arrays[name]


@_arrays
def weights_renamed(arrays, name, chance):
    arrays["renamed"] = arrays.pop(name)


def another_file(path: Path, chance: random.Random) -> None:
    """A file of the same kind from elsewhere in the project."""
    root = next(parent for parent in path.parents if (parent / "params.yaml").is_file())
    others = [
        other
        for place in ("models", "data", "plots")
        for other in sorted((root / place).rglob(f"*{path.suffix}"))
        if other.is_file() and other.read_bytes() != path.read_bytes() and other.name != path.name
    ]
    shutil.copy(chance.choice(others), path)


ANY = (
    *(
        missing,
        empty,
        zeros,
        truncated,
        last_byte_lost,
        beginning_lost,
        byte_flipped,
        block_lost,
        noise,
        text,
    ),
    *(utf_16, folder, dangling_link, circular_link, doubled),
)
KINDS = {
    ".json": (key_lost, key_added, value_of_another_type, not_a_number, no_object, another_file),
    ".parquet": (
        *(column_lost, column_of_text, column_of_nulls, rows_lost, no_rows, huge_numbers),
        another_file,
    ),
    ".safetensors": (
        *(weights_not_a_number, weights_of_zero, weights_flipped, weights_of_another_type, weights_lost),
        *(weights_renamed, another_file),
    ),
}


def damages(path: Path) -> tuple[Damage, ...]:
    """Everything that can be done to a file of this kind."""
    return ANY + KINDS.get(path.suffix, ())
