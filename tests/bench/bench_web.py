# SPDX-License-Identifier: BSD-3-Clause
# What examples/notes_server.c does with GET /notes/ID, in Python: aiohttp and databases. Run by bench_web.sh.
#
# python3 bench_web.py fill FILE   100,000 notes for both services, in the table that ours has made
# python3 bench_web.py FILE        the service; prints "listening on port N"
import asyncio
import sqlite3
import sys

N_ROWS = 100000
SELECT = "SELECT id, list, title, text FROM web_notes WHERE id = :id"


def fill(path):
    with sqlite3.connect(path) as connection:
        rows = ((i, "bench", f"note {i}", "as short as notes are") for i in range(1, N_ROWS + 1))
        connection.executemany("INSERT INTO web_notes VALUES (?, ?, ?, ?)", rows)


async def serve(path):
    from aiohttp import web
    from databases import Database

    async def get_note(request):
        row = await database.fetch_one(query=SELECT, values={"id": int(request.match_info["id"])})
        if row is None:
            return web.json_response({"error": "not found"}, status=404)
        return web.json_response({"id": row[0], "list": row[1], "title": row[2], "text": row[3]})

    async with Database("sqlite:///" + path) as database:
        app = web.Application()
        app.router.add_get("/notes/{id}", get_note)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print("listening on port", site._server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


if sys.argv[1] == "fill":
    fill(sys.argv[2])
else:
    asyncio.run(serve(sys.argv[1]))
