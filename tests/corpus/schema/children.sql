-- Fifth part: a table partitioned by range, one by list, and one with inheritance children.
CREATE TABLE events (
    id integer NOT NULL,
    occurred_on date NOT NULL,
    kind text NOT NULL DEFAULT 'click',
    detail text,
    PRIMARY KEY (id, occurred_on)
) PARTITION BY RANGE (occurred_on);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE readings (region text NOT NULL, sensor integer NOT NULL, value numeric, remark text)
    PARTITION BY LIST (region);
CREATE TABLE readings_north PARTITION OF readings FOR VALUES IN ('n', 'nw');
CREATE TABLE readings_south PARTITION OF readings FOR VALUES IN ('s');
CREATE TABLE documents (id integer PRIMARY KEY, title text NOT NULL, pages integer DEFAULT 1);
CREATE TABLE contracts (signed_on date) INHERITS (documents);
CREATE TABLE letters_sent (recipient text, title text) INHERITS (documents);

INSERT INTO events VALUES
    (1, '2023-05-05', 'click', 'a'), (2, '2024-01-01', 'view', 'b'), (3, '2024-06-30', 'click', NULL),
    (4, '2030-01-01', 'buy', 'future');
INSERT INTO readings VALUES ('n', 1, 10.5, NULL), ('nw', 2, 11, 'ok'), ('s', 1, -3, 'cold'), ('s', 2, NULL, NULL);
INSERT INTO documents VALUES (1, 'plain', 3), (2, 'other', NULL);
INSERT INTO contracts VALUES (3, 'deal', 12, '2024-01-31');
INSERT INTO letters_sent VALUES (4, 'greetings', 1, 'Ada');
