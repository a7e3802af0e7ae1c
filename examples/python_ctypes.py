# SPDX-License-Identifier: BSD-3-Clause
# The library without a C compiler: Python's ctypes in asyncio's loop, which watches the queue's descriptor. A job is a
# future. Only numbers and pointers cross the border, so the foreign-function interface of any language will do.
#
# Run: python3 python_ctypes.py [URL]    default: sqlite:///python_ctypes.db
import asyncio
import ctypes as c
import sys

# Name, result, arguments: pointer, string, int, size, job, nothing.
KINDS = {"p": c.c_void_p, "s": c.c_char_p, "i": c.c_int, "z": c.c_size_t, "j": c.c_uint64, "-": None}
FUNCTIONS = """database_open i sppp; database_close i pi; database_free - p; context_new p ppi; context_free - p
               context_error p p; queue_new p; queue_fd i p; queue_dispatch z pz; queue_free - p; cancel i pj
               fetch_all j psppp; result_job j p; result_error p p; result_rows z p; result_columns z p
               result_get i pzzp; value_format z ppz"""
adb = c.CDLL("libasyncdb.so.0")
for name, result, *arguments in map(str.split, FUNCTIONS.replace("\n", ";").split(";")):
    function = getattr(adb, "adb_" + name)
    function.restype, function.argtypes = KINDS[result], [KINDS[kind] for kind in "".join(arguments)]


def struct(*fields, base=c.Structure):
    return type("struct", (base,), {"_fields_": fields})


NULL, BOOL, INT, DOUBLE, TEXT = range(5)
As = struct(("integer", c.c_int64), ("real", c.c_double), ("text", c.c_char_p), ("uuid", c.c_char * 16), base=c.Union)
Value = struct(("type", c.c_int), ("size", c.c_size_t), ("as_", As))
Param = struct(("name", c.c_char_p), ("value", Value))
Params = struct(("items", c.POINTER(Param)), ("count", c.c_size_t))
Error = struct(("status", c.c_int), ("flags", c.c_uint), ("native_code", c.c_int), ("sqlstate", c.c_char * 6),
               ("message", c.c_char * 240))


def to_value(x):
    return Value(TEXT, len(x.encode()), As(text=x.encode())) if isinstance(x, str) else Value(INT, 0, As(integer=x))


def from_result(result, row, column):
    value = Value()
    adb.adb_result_get(result, row, column, c.byref(value))
    if value.type in (NULL, INT, DOUBLE):
        return {NULL: None, INT: value.as_.integer, DOUBLE: value.as_.real}[value.type]
    text = c.create_string_buffer(adb.adb_value_format(c.byref(value), None, 0) + 1)
    adb.adb_value_format(c.byref(value), text, len(text))
    return text.value.decode()


class Database:
    def __init__(self, url):
        self.db, self.queue, self.futures, error = c.c_void_p(), adb.adb_queue_new(), {}, Error()
        if adb.adb_database_open(url.encode(), None, c.byref(self.db), c.byref(error)) != 0:
            raise RuntimeError(error.message.decode())
        self.ctx = adb.adb_context_new(self.db, self.queue, 0)
        self.loop, self.done = asyncio.get_running_loop(), c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)(self.on_done)
        self.loop.add_reader(adb.adb_queue_fd(self.queue), adb.adb_queue_dispatch, self.queue, 64)

    def fetch_all(self, sql, **params):
        items = (Param * len(params))(*[Param(key.encode(), to_value(x)) for key, x in params.items()])
        job = adb.adb_fetch_all(self.ctx, sql.encode(), c.byref(Params(items, len(items))), self.done, None)
        if job == 0:
            raise RuntimeError(Error.from_address(adb.adb_context_error(self.ctx)).message.decode())
        self.futures[job] = self.loop.create_future()
        self.futures[job].add_done_callback(lambda future: future.cancelled() and adb.adb_cancel(self.ctx, job))
        return self.futures[job]

    def on_done(self, result, _):
        future, error = self.futures.pop(adb.adb_result_job(result)), Error.from_address(adb.adb_result_error(result))
        rows, columns = range(adb.adb_result_rows(result)), range(adb.adb_result_columns(result))
        if not future.cancelled() and error.status != 0:
            future.set_exception(RuntimeError(error.message.decode()))
        elif not future.cancelled():
            future.set_result([[from_result(result, i, j) for j in columns] for i in rows])

    def close(self):
        self.loop.remove_reader(adb.adb_queue_fd(self.queue))
        adb.adb_context_free(self.ctx)
        adb.adb_queue_free(self.queue)
        adb.adb_database_close(self.db, 5000)
        adb.adb_database_free(self.db)


async def main(url):
    db = Database(url)
    await db.fetch_all("DROP TABLE IF EXISTS ten")
    await db.fetch_all("CREATE TABLE ten (n INTEGER, name VARCHAR(20))")
    insert = "INSERT INTO ten VALUES (:n, :name)"
    await asyncio.gather(*[db.fetch_all(insert, n=n, name=f"№ {n}") for n in range(10)])
    print(await db.fetch_all("SELECT n, name FROM ten WHERE n < :n OR name = :name ORDER BY n", n=2, name="№ 7"))
    endless = db.fetch_all("SELECT COUNT(*) FROM " + ", ".join("ten " + alias for alias in "abcdefghij"))
    try:
        await asyncio.wait_for(endless, 0.1)
    except asyncio.TimeoutError:
        print("ten thousand million rows take too long: cancelled")
    print(await db.fetch_all("SELECT COUNT(*), MAX(name) FROM ten"))
    db.close()


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///python_ctypes.db"))
