-- Fourth part, names: other schemas with tables of the same names, Unicode, and names that need quotes.
CREATE SCHEMA archive;
CREATE TABLE archive.users (id bigint PRIMARY KEY, username text, handle text, note text);
CREATE TABLE archive.orders (id integer PRIMARY KEY, status text, state text);
CREATE SCHEMA sales;
CREATE TABLE sales.invoices (id integer PRIMARY KEY, number text NOT NULL UNIQUE, customer integer);
CREATE TABLE invoices (id integer PRIMARY KEY, number text, reference text);
CREATE TABLE "Größe" (id integer PRIMARY KEY, "Länge" numeric, "naïve" text DEFAULT 'ü');
CREATE TABLE "odd ""name""" (id integer PRIMARY KEY, "a b" text, "select" text, "Mixed" integer);

INSERT INTO archive.users VALUES (1, 'old alice', 'h-alice', 'a'), (2, 'old bob', NULL, 'b'), (9, 'old zed', 'h-zed', NULL);
INSERT INTO archive.orders VALUES (1, 'lost', 'found'), (2, 'kept', NULL);
INSERT INTO sales.invoices VALUES (1, 'INV-1', 1), (2, 'INV-2', 2), (3, 'INV-3', NULL);
INSERT INTO invoices VALUES (1, 'P-1', 'ref-1'), (2, 'P-2', NULL);
INSERT INTO "Größe" VALUES (1, 1.50, 'ä'), (2, NULL, NULL), (3, 20, 'ß');
INSERT INTO "odd ""name""" VALUES (1, 'one', 'keyword', 10), (2, NULL, 'two', NULL);
