"""What Django and SQLAlchemy make of the database that the environment names."""

import io
import os

import django
import sqlalchemy
from django.conf import settings
from django.core.management import call_command
from sqlalchemy.schema import CreateIndex, CreateTable

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "USER": os.environ["PGUSER"],
            "NAME": os.environ["PGDATABASE"],
        }
    },
    INSTALLED_APPS=[],
)
django.setup()
models = io.StringIO()
call_command("inspectdb", "--include-partitions", "--include-views", stdout=models)
print(models.getvalue())

from django.db import connection  # noqa: E402

with connection.cursor() as cursor:
    introspection = connection.introspection
    for table in sorted(introspection.table_names(cursor)):
        print(table, introspection.get_table_description(cursor, table))
        print(sorted(introspection.get_constraints(cursor, table).items()))
        print(sorted(introspection.get_relations(cursor, table).items()))
        print(introspection.get_sequences(cursor, table))

engine = sqlalchemy.create_engine("postgresql+psycopg://")
metadata = sqlalchemy.MetaData()
metadata.reflect(engine, views=True)
for name, table in sorted(metadata.tables.items()):
    print(CreateTable(table).compile(engine))
    for index in sorted(table.indexes, key=lambda index: index.name):
        print(CreateIndex(index).compile(engine))
    print(name, [(column.name, column.comment) for column in table.columns])
inspector = sqlalchemy.inspect(engine)
for table in sorted(inspector.get_table_names()):
    print(table, inspector.get_columns(table))
    for of in (
        "get_pk_constraint",
        "get_foreign_keys",
        "get_indexes",
        "get_unique_constraints",
        "get_check_constraints",
        "get_table_comment",
    ):
        found = getattr(inspector, of)(table)
        ordered = sorted(found, key=lambda item: item["name"]) if isinstance(found, list) else found
        print(table, of, ordered)
