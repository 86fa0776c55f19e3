import asyncio
import itertools

import asyncpg
import asyncpg.connection

COLUMNS = ["id", "username", "email"]
numbers = itertools.count(20_000)
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


def forget(connection):
    raise AssertionError("a statement's result type has changed")


# Outside a transaction it would try again and say nothing.
check("the driver's hook", hasattr(asyncpg.connection.Connection, "_drop_global_statement_cache"), True)
asyncpg.connection.Connection._drop_global_statement_cache = forget


def on_loop(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE_S)


# Sessions are reset with RESET ALL and more when they go back, and keep what is prepared.
async def create():
    return await asyncpg.create_pool(min_size=3, max_size=3)


pool = on_loop(create())


async def rows(conn, sql, values, wanted, names=COLUMNS):
    statement = await conn.prepare(sql)
    check(f"columns of {sql}", [column.name for column in statement.get_attributes()], names)
    check(f"prepared {sql}", [tuple(row) for row in await statement.fetch(*values)], wanted)


async def statements(number, conn):
    id = next(numbers)
    name, again = f"apg{id}", f"apg{id}-again"
    fetch = lambda sql, *values: conn.fetch(sql, *values)
    tuples = lambda found: [tuple(row) for row in found]
    check("whole", await conn.execute("INSERT INTO users VALUES ($1, $2, $3)", id, name, None), "INSERT 0 1")
    check("star", tuples(await fetch("SELECT * FROM users WHERE username = $1", name)), [(id, name, None)])
    async with conn.transaction():
        check("update", tuples(await fetch("UPDATE users SET username = $2 WHERE id = $1 RETURNING *", id, again)), [(id, again, None)])
        try:
            async with conn.transaction():
                await conn.execute("INSERT INTO users (id, username) VALUES ($1, $2)", next(numbers), again)
                raise AssertionError("no unique violation")
        except asyncpg.UniqueViolationError:
            pass
        cursor = [tuple(row) async for row in conn.cursor("SELECT u.*, username FROM users u WHERE id = $1", id)]
        check("cursor", cursor, [(id, again, None, again)])
    await rows(conn, "SELECT username, email FROM users WHERE username = $1", (again,), [(again, None)], ["username", "email"])
    await rows(conn, "SELECT * FROM users WHERE id = $1", (id,), [(id, again, None)])
    await conn.executemany("UPDATE users SET email = $2 WHERE username = $1", [(again, "x"), (again, "y")])
    check("delete", tuples(await fetch("DELETE FROM users WHERE username = $1 RETURNING *", again)), [(id, again, "y")])


async def pooled(number):
    async with pool.acquire() as conn:
        await statements(number, conn)


alone = on_loop(asyncpg.connect())


# Whatever resets a session wholly tells its driver so.
async def discarded(number):
    await statements(number, alone)
    alone._drop_local_statement_cache()
    await alone.execute("DISCARD ALL")


main([lambda number: on_loop(pooled(number))] * 4 + [lambda number: on_loop(discarded(number))])
