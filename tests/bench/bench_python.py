# SPDX-License-Identifier: BSD-3-Clause
# Point selects by key as Python does them, 64 tasks at a time. Run by bench_python.c.
#
# python3 bench_python.py HOW DATABASE TOTAL
#   databases  each task asks the database, as its documentation does: a connection for each query
#   kept       each task keeps a connection for all its queries, which is as fast as databases gets
#   aiosqlite  all tasks ask one connection, which has a thread
#   asyncpg    all tasks ask a pool of four connections
# DATABASE is the path of a SQLite file, or the URL of a PostgreSQL database.
#
# Prints one line: how many, seconds, seconds of processor, MiB at the peak, and the 50th, 99th and 99.9th percentile of
# the latency in microseconds.
import asyncio
import random
import resource
import sys
import time
from urllib.parse import parse_qs, urlsplit

N_ROWS = 100000
IN_FLIGHT = 64
latencies = []


async def ask(fetch_one, n):
    for _ in range(n):
        begun = time.perf_counter()
        row = await fetch_one(random.randint(1, N_ROWS))
        latencies.append(time.perf_counter() - begun)
        assert row[1]


async def ask_all(fetch_one, total):
    start = time.monotonic()
    await asyncio.gather(*(ask(fetch_one, total // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    return time.monotonic() - start


async def run_databases(where, total):
    from databases import Database

    url = where + "&min_size=4&max_size=4" if "://" in where else "sqlite:///" + where
    sql = "SELECT id, name FROM item WHERE id = :id"
    async with Database(url) as database:
        return await ask_all(lambda key: database.fetch_one(query=sql, values={"id": key}), total)


async def run_kept(where, total):
    from databases import Database

    sql = "SELECT id, name FROM item WHERE id = :id"

    async def keep(database):
        async with database.connection() as connection:
            await ask(lambda key: connection.fetch_one(query=sql, values={"id": key}), total // IN_FLIGHT)

    async with Database("sqlite:///" + where) as database:
        start = time.monotonic()
        await asyncio.gather(*(keep(database) for _ in range(IN_FLIGHT)))
        return time.monotonic() - start


async def run_aiosqlite(where, total):
    import aiosqlite

    async with aiosqlite.connect(where) as connection:

        async def fetch_one(key):
            async with connection.execute("SELECT id, name FROM item WHERE id = ?", (key,)) as cursor:
                return await cursor.fetchone()

        return await ask_all(fetch_one, total)


async def run_asyncpg(where, total):
    import asyncpg

    url = urlsplit(where)
    host = parse_qs(url.query).get("host", [url.hostname])[0]
    login = {"user": url.username, "password": url.password, "database": url.path[1:]}
    async with asyncpg.create_pool(host=host, port=url.port, **login, min_size=4, max_size=4) as pool:
        return await ask_all(lambda key: pool.fetchrow("SELECT id, name FROM item WHERE id = $1", key), total)


def main(how, where, total):
    runs = {"databases": run_databases, "kept": run_kept, "aiosqlite": run_aiosqlite, "asyncpg": run_asyncpg}
    before = time.process_time()
    seconds = asyncio.run(runs[how](where, total))
    processor = time.process_time() - before
    latencies.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    percentiles = [latencies[int(len(latencies) * part)] * 1e6 for part in (0.5, 0.99, 0.999)]
    print(len(latencies), seconds, processor, peak, *percentiles)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
