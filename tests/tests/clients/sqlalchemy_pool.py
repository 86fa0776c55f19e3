import itertools

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

numbers = itertools.count(30_000)
engine = sa.create_engine(
    "postgresql+psycopg://",
    pool_size=3,
    max_overflow=0,
    pool_pre_ping=True,
    connect_args={"prepare_threshold": 0},
)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    email: Mapped[str | None]


users = User.__table__


def core(number):
    id = next(numbers)
    name, again = f"sa{id}", f"sa{id}-again"
    tuples = lambda result: [tuple(row) for row in result]
    with engine.connect() as conn:
        whole = sa.text("INSERT INTO users VALUES (:id, :name, NULL) RETURNING *")
        result = conn.execute(whole, {"id": id, "name": name})
        check("labels", list(result.keys()), ["id", "username", "email"])
        check("whole", tuples(result), [(id, name, None)])
        conn.commit()
        star = sa.text("SELECT * FROM users WHERE username = :name")
        check("star", tuples(conn.execute(star, {"name": name})), [(id, name, None)])
        check("select", tuples(conn.execute(sa.select(users).where(users.c.username == name))), [(id, name, None)])
        conn.rollback()
        with conn.begin():
            with conn.begin_nested() as savepoint:
                conn.execute(users.delete().where(users.c.id == id))
                savepoint.rollback()
            new = users.update().where(users.c.username == name).values(username=again).returning(users)
            check("update", tuples(conn.execute(new)), [(id, again, None)])
        insert = upsert(users).values(id=next(numbers), username=again)
        insert = insert.on_conflict_do_update(index_elements=["username"], set_={"email": insert.excluded.username})
        check("upsert", tuples(conn.execute(insert.returning(users))), [(id, again, again)])
        conn.commit()
        gone = users.delete().where(users.c.username == again).returning(users.c.username)
        check("delete", tuples(conn.execute(gone)), [(again,)])
        conn.commit()


def orm(number):
    id = next(numbers)
    with Session(engine) as session:
        session.add_all([User(id=id, username=f"orm{id}", email="a"), User(id=next(numbers), username=f"orm{id}-b", email="a")])
        session.commit()
        found = session.scalars(sa.select(User).where(User.username.like(f"orm{id}%")).order_by(User.id)).all()
        check("names", [user.username for user in found], [f"orm{id}", f"orm{id}-b"])
        for user in found:
            user.username += "-new"
        session.commit()
        check("refreshed", [(user.username, user.email) for user in found], [(f"orm{id}-new", "a"), (f"orm{id}-b-new", "a")])
        for user in found:
            session.delete(user)
        session.commit()


main([core, orm, core, orm])
