-- The unmigrated database of the merge's differential tests. `mail` and `push` become parts of one table, `shop.stock` and
-- `shop."Price List"` of another; both of the first refer to `users`, and other tables have columns that are called like theirs.
CREATE DOMAIN address AS varchar(40) CHECK (VALUE ~ '@');
CREATE TYPE pace AS ENUM ('never', 'weekly', 'daily');
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, score integer DEFAULT 0, body text);
CREATE TABLE mail (
    uid integer PRIMARY KEY CONSTRAINT mail_uid_fkey REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    sender varchar(12),
    body text DEFAULT 'none',
    settings jsonb NOT NULL DEFAULT '{}',
    tags text[],
    reply_to address,
    handle text UNIQUE,
    quota numeric(8,2) DEFAULT 0 CHECK (quota >= 0),
    sent_at timestamptz,
    often pace NOT NULL DEFAULT 'daily',
    score integer DEFAULT 1
);
CREATE TABLE push (
    score integer DEFAULT 5 CHECK (score <= 1000),
    user_id integer PRIMARY KEY CONSTRAINT push_user_id_fkey REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    sound boolean DEFAULT true,
    body text,
    devices text[] NOT NULL DEFAULT '{}',
    token uuid
);
CREATE TABLE letters (
    id integer PRIMARY KEY,
    user_id integer REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    title text NOT NULL,
    body text,
    tags text[]
);
CREATE TABLE imports (uid integer PRIMARY KEY, sender text, body text, quota numeric);
CREATE SCHEMA shop;
CREATE TABLE shop.stock (
    house text,
    item integer,
    amount integer NOT NULL DEFAULT 0 CHECK (amount >= 0),
    shelf text DEFAULT 'floor',
    checked date,
    PRIMARY KEY (house, item)
);
CREATE TABLE shop."Price List" (
    "Item No" integer,
    "House" text,
    "Größe" numeric NOT NULL,
    "order" integer DEFAULT 7,
    shelf text,
    PRIMARY KEY ("House", "Item No")
);
CREATE SEQUENCE code_seq START 1000;
CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t) || ''!''';
CREATE FUNCTION tick() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT ''tick-'' || nextval(''code_seq'')';
CREATE FUNCTION letters_of(wanted integer) RETURNS SETOF letters LANGUAGE sql STABLE AS
    'SELECT * FROM letters WHERE user_id = wanted ORDER BY id';

INSERT INTO users VALUES
    (1, 'Ann', 3, 'x'), (2, 'Bob', 2, NULL), (3, 'Cem', NULL, 'likes tea'), (4, 'Dee', 7, 'none'), (5, 'Eve', 20, 'y'), (6, 'Fay', 1, NULL),
    (7, 'Gus', 0, 'pong'), (8, 'Hal', 4, NULL), (9, 'Ida', 5, 'z');
INSERT INTO mail VALUES
    (1, 'Ann', 'likes tea', '{"theme": "dark", "size": 3}', '{a,b}', 'ann@x', 'ann', 10.50, '2024-01-01 10:00+00', 'daily', 30),
    (2, 'Bob', NULL, '{}', '{}', NULL, 'bob', 0, '2024-02-01 10:00+00', 'weekly', 20),
    (3, NULL, 'x', '{"theme": "light"}', NULL, 'c@x', NULL, 99.99, NULL, 'never', 10),
    (4, 'Dave', 'none', '{"size": 5}', '{b,c,NULL}', 'd@x', 'dave', NULL, '2023-12-24 18:00+00', 'daily', NULL),
    (5, 'Eve''s', 'likes tea', '[1, 2]', '{"two words"}', NULL, 'eve', 5, NULL, 'daily', 20);
INSERT INTO push VALUES
    (5, 3, true, 'ping', '{phone}', '00000000-0000-0000-0000-000000000003'), (7, 4, false, NULL, '{phone,watch}', NULL),
    (NULL, 5, NULL, 'x', '{}', '00000000-0000-0000-0000-000000000005'), (9, 6, true, 'likes tea', '{tv}', NULL),
    (5, 7, false, 'pong', '{}', NULL);
INSERT INTO letters VALUES
    (1, 1, 'first', 'own', '{a}'), (2, 1, 'second', NULL, NULL), (3, 2, 'third', 'likes tea', '{b}'), (4, NULL, 'orphan', 'x', '{}'),
    (5, 4, 'none', 'none', NULL), (6, 6, 'sixth', 'x', '{tv}');
INSERT INTO imports VALUES (1, 'Anna', 'new', 1), (8, 'Hal', NULL, 2), (9, NULL, 'old', 3);
INSERT INTO shop.stock VALUES
    ('north', 1, 10, 'top', '2024-01-01'), ('north', 2, 0, NULL, NULL), ('south', 1, 5, 'floor', '2024-02-02');
INSERT INTO shop."Price List" VALUES (1, 'north', 9.50, 1, 'top'), (1, 'south', 8, NULL, NULL), (2, 'south', 7, 7, 'box');

CREATE VIEW loud AS SELECT id, name FROM users WHERE score > 2;
CREATE VIEW quiet AS SELECT user_id, score FROM push WHERE NOT sound;
