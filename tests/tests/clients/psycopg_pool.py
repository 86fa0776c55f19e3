import itertools
import queue

import psycopg

COLUMNS = ["id", "username", "email"]
# Prepared at the first use and kept for as long as the session lives.
pool = queue.Queue()
for _ in range(3):
    pool.put(psycopg.connect("", prepare_threshold=0, autocommit=False))
numbers = itertools.count(10_000)


def rows(conn, binary, sql, values, wanted, names=COLUMNS):
    with conn.cursor(binary=binary) as cur:
        cur.execute(sql, values)
        check(f"columns of {sql}", [column.name for column in cur.description], names)
        check(sql, cur.fetchall(), wanted)


def statements(conn, binary):
    id, other = next(numbers), next(numbers)
    name, again = f"psy{id}", f"psy{id}-again"
    rows(conn, binary, "INSERT INTO users VALUES (%s, %s, %s) RETURNING *", (id, name, None), [(id, name, None)])
    conn.execute("SAVEPOINT s")
    rows(conn, binary, "INSERT INTO users (username, id) VALUES (%s, %s) RETURNING username", (f"gone{other}", other), [(f"gone{other}",)], ["username"])
    conn.execute("ROLLBACK TO s")
    rows(conn, binary, "SELECT * FROM users WHERE username = %s", (name,), [(id, name, None)])
    rows(conn, binary, "UPDATE users SET username = %s WHERE id = %s RETURNING *", (again, id), [(id, again, None)])
    rows(conn, binary, "INSERT INTO users (id, username) VALUES (%s, %s) ON CONFLICT (username) DO UPDATE SET email = EXCLUDED.username RETURNING *", (other, again), [(id, again, again)])
    conn.commit()
    rows(conn, binary, "SELECT u.*, username FROM users u WHERE id = ANY(%s)", ([id, other],), [(id, again, again, again)], COLUMNS + ["username"])
    rows(conn, binary, "DELETE FROM users WHERE username = ANY(%s) RETURNING *", ([again, name],), [(id, again, again)])
    conn.commit()


def pipeline(conn):
    id = next(numbers)
    name = f"pipe{id}"
    with conn.pipeline():
        conn.execute("INSERT INTO users VALUES (%s, %s, %s)", (id, name, "m"))
        star = conn.execute("SELECT * FROM users WHERE username = %s", (name,))
        new = conn.execute("UPDATE users SET username = upper(username) WHERE id = %s RETURNING username", (id,))
        with conn.cursor() as many:
            many.executemany("UPDATE users SET email = %s WHERE username = %s", [("x", name.upper()), ("y", name.upper())])
        gone = conn.execute("DELETE FROM users WHERE id = %s RETURNING *", (id,))
        check("star", star.fetchall(), [(id, name, "m")])
        check("new", new.fetchall(), [(name.upper(),)])
        check("gone", gone.fetchall(), [(id, name.upper(), "y")])
    conn.commit()


def work(number):
    conn = pool.get()
    if number == 2:
        pipeline(conn)
    else:
        statements(conn, number == 1)
    conn.rollback()
    if number == 1 and done[1] % 10 == 9:
        # As a pool that forgets everything.
        conn.autocommit = True
        conn.execute("DISCARD ALL", prepare=False)
        conn.autocommit = False
    pool.put(conn)


main([work] * 4)
