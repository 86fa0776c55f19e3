-- Third part, work: a tree of employees, articles for full-text search, a queue of jobs.
CREATE TABLE employees (
    id integer PRIMARY KEY,
    manager_id integer REFERENCES employees (id),
    name text NOT NULL,
    title text,
    salary numeric(10, 2),
    hired date
);
CREATE TABLE articles (
    id serial PRIMARY KEY,
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    search tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED,
    author_id bigint REFERENCES users (id) ON DELETE SET NULL,
    published boolean NOT NULL DEFAULT false
);
CREATE INDEX articles_title_idx ON articles (lower(title));
CREATE TABLE jobs (
    id serial PRIMARY KEY,
    queue text NOT NULL DEFAULT 'default',
    payload jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'running', 'done', 'failed')),
    run_at timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00',
    attempts smallint NOT NULL DEFAULT 0,
    locked_by text
);

INSERT INTO employees VALUES
    (1, NULL, 'Root', 'CEO', 300.00, '2010-01-01'), (2, 1, 'Anna', 'CTO', 200.00, '2011-02-03'),
    (3, 1, 'Ben', 'CFO', 190.50, '2012-03-04'), (4, 2, 'Cleo', 'Engineer', 120.00, '2015-06-07'),
    (5, 2, 'Dan', 'Engineer', 110.00, '2016-07-08'), (6, 4, 'Eli', NULL, NULL, '2020-01-31');
INSERT INTO articles (title, body, author_id, published) VALUES
    ('Running migrations', 'A database that runs while its schema moves.', 1, true),
    ('On tea', 'Tea is a drink. Databases do not drink tea.', 2, true),
    ('Draft', '', NULL, false);
INSERT INTO jobs (queue, payload, state, run_at, attempts, locked_by) VALUES
    ('mail', '{"to": "ada"}', 'ready', '2024-01-01 10:00:00+00', 0, NULL),
    ('mail', '{"to": "carl"}', 'ready', '2024-01-01 09:00:00+00', 2, NULL),
    ('mail', '{"to": "dan"}', 'running', '2024-01-01 08:00:00+00', 1, 'worker-1'),
    ('index', '{"page": 7}', 'done', '2024-01-01 07:00:00+00', 1, NULL),
    (DEFAULT, '{}', 'failed', '2024-01-02 00:00:00+00', 5, NULL);
