"""The least work of a data pipeline, in DuckDB: `python duckdb.py data_pipeline FOLDER out=FOLDER`.

Reads FOLDER/ratings.csv, keeps ratings on the scale, makes ids contiguous, sorts by user and time, splits off
each user's last and writes train.parquet and test.parquet to `out`.
"""

import json
import resource
import sys
import time

# a script's own folder comes first on the path, and there `duckdb` is this file
sys.path.pop(0)

import duckdb

READ = """
create temp table given as
select userId, movieId, rating, timestamp, row_number() over () as line
from read_csv('{folder}/ratings.csv', header = true, columns = {{
    'userId': 'INTEGER', 'movieId': 'INTEGER', 'rating': 'FLOAT', 'timestamp': 'BIGINT'}})
where rating between 0.5 and 5.0;
create temp table users as
select userId, (row_number() over (order by userId) - 1)::integer as "user"
from (select distinct userId from given);
create temp table items as
select movieId, (row_number() over (order by movieId) - 1)::integer as item
from (select distinct movieId from given);
create temp table sorted as
select "user", item, rating, timestamp from given join users using (userId) join items using (movieId)
order by "user", timestamp, line;
create temp table marked as
select *, rowid = max(rowid) over (partition by "user") as last from sorted;
copy (select * exclude last from marked where not last) to '{out}/train.parquet' (compression zstd);
copy (select * exclude last from marked where last) to '{out}/test.parquet' (compression zstd);
"""


def data_pipeline(folder: str, out: str) -> dict[str, int]:
    connection = duckdb.connect()
    connection.execute(READ.format(folder=folder, out=out))
    count = connection.execute
    tables = {"ratings": "marked", "users": "users", "items": "items"}
    return {name: count(f"select count(*) from {table}").fetchone()[0] for name, table in tables.items()}


def main() -> None:
    task, folder, *settings = sys.argv[1:]
    options = dict(setting.split("=", 1) for setting in settings)
    start = time.perf_counter()
    found = {"data_pipeline": data_pipeline}[task](folder, **options)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(seconds, 3), "peak_mib": round(peak), **found}))


if __name__ == "__main__":
    main()
