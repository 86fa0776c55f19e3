-- The tables of the coverage corpus in the old shape.
CREATE TYPE address AS (street text, city text);
CREATE TABLE users (
    id bigint PRIMARY KEY,
    username text UNIQUE,
    email text,
    age integer,
    score numeric(8, 2) DEFAULT 0,
    tags text[],
    home address,
    profile jsonb,
    born date,
    seen timestamp with time zone,
    active boolean DEFAULT true
);
CREATE TABLE posts (
    id bigint PRIMARY KEY,
    user_id bigint,
    title text,
    body text,
    labels text[],
    published timestamp with time zone,
    words integer
);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint,
    note text,
    amount numeric(10, 2),
    placed timestamp with time zone,
    paper xml
);
CREATE TABLE staging (id bigint, username text, email text, age integer);
