# SPDX-License-Identifier: BSD-3-Clause
# Point selects by key with Python's databases, 64 tasks at a time; prints how many a second. Run by bench_python.sh.
#
# python3 bench_python.py FILE TOTAL plain|kept
#   plain  each task asks the database, as its documentation does: a connection for each query
#   kept   each task keeps a connection for all its queries, which is as fast as it gets
import asyncio
import random
import sys
import time

from databases import Database

N_ROWS = 100000
IN_FLIGHT = 64
SELECT_ONE = "SELECT id, name FROM item WHERE id = :id"


async def ask(queryable, n):
    for _ in range(n):
        row = await queryable.fetch_one(query=SELECT_ONE, values={"id": random.randint(1, N_ROWS)})
        assert row[1]


async def ask_kept(database, n):
    async with database.connection() as connection:
        await ask(connection, n)


async def main(path, total, how):
    async with Database("sqlite:///" + path) as database:
        task = ask_kept if how == "kept" else ask
        start = time.monotonic()
        await asyncio.gather(*(task(database, total // IN_FLIGHT) for _ in range(IN_FLIGHT)))
        print("%.1f" % (total // IN_FLIGHT * IN_FLIGHT / (time.monotonic() - start)))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
