-- What fails on the larger tables.

INSERT INTO customers (full_name, contact) VALUES ('x', 'no at sign')

--~ stop-dual-write contract: nobody has declared what the constraint is called
INSERT INTO customers (full_name, contact) VALUES ('x', 'ada@example.com')

INSERT INTO customers (contact) VALUES ('x@example.com')

INSERT INTO customers (full_name, tags) VALUES ('x', 'no array')

INSERT INTO customers (full_name, attributes) VALUES ('x', '{no json')

INSERT INTO customers (full_name, address) VALUES ('x', '(one,two)')

INSERT INTO customers (full_name, address.nonsense) VALUES ('x', 'y')

INSERT INTO customers (full_name, tags) VALUES ('x', NULL)

--~ stop-dual-write contract: nobody has declared what the constraint is called
INSERT INTO orders (customer_id) VALUES (999)

INSERT INTO orders (customer_id, status) VALUES (1, 'nonsense')

INSERT INTO orders (id, customer_id) VALUES (500, 1)

INSERT INTO orders (status) VALUES ('paid')

INSERT INTO order_items (order_id, line_no, sku, amount) VALUES (1, 3, 'x', 5)

INSERT INTO order_items (order_id, line_no, sku, quantity) VALUES (1, 3, 'x', 0)

INSERT INTO order_items (order_id, line_no, sku) VALUES (1, 1, 'x')

INSERT INTO order_items (order_id, line_no, sku) VALUES (1, 3, 'a sku of more than twenty')

INSERT INTO stock VALUES ('east', NULL)

INSERT INTO stock VALUES ('east', 'TEA-01')

UPDATE stock SET item = 'TEA-01' WHERE warehouse = 'east'

UPDATE customers SET contact = full_name

UPDATE customers SET tags = full_name

UPDATE customers SET tags['x'] = 'y'

UPDATE customers SET address.street.more = 'y'

UPDATE orders SET status = 'nonsense'

UPDATE orders SET status = note

--~ stop-dual-write contract: nobody has declared what the constraint is called
UPDATE orders SET customer_id = 999

UPDATE orders SET id = 5

UPDATE order_items SET amount = 5

UPDATE employees SET name = NULL WHERE name = 'Anna'

UPDATE tokens SET code = 'x'

UPDATE tokens SET code = NULL

--~ stop-dual-write contract: nobody has declared what the constraint is called
DELETE FROM customers WHERE full_name = 'Ada Lovelace'

DELETE FROM employees WHERE name = 'Root'

SELECT status FROM orders WHERE status = 'nonsense'

SELECT full_name FROM customers WHERE tags = 'vip'

SELECT full_name, status FROM customers, orders WHERE id = 1

SELECT id FROM customers WHERE full_name = 1

SELECT name FROM employees GROUP BY id HAVING name = 1

SELECT warehouse, item, on_hand FROM stock GROUP BY warehouse

SELECT customers.full_name FROM customers c

SELECT name FROM customers

--! expand dual-write switch-reads stop-dual-write contract: a function called on a whole row
SELECT c.name FROM customers c JOIN employees e USING (id)

SELECT address.city FROM customers

SELECT (address).nonsense FROM customers

SELECT (full_name).x FROM customers

SELECT full_name[1] FROM customers

SELECT "Laenge" FROM "Größe"

SELECT länge FROM "Größe"

SELECT * FROM größe

SELECT "A b" FROM "odd ""name"""

SELECT number FROM invoices JOIN sales.invoices i USING (id)

SELECT title FROM articles, posts

SELECT queue FROM jobs ORDER BY nonsense

SELECT queue FROM jobs WHERE payload = 5

SELECT status FROM orders INTERSECT SELECT full_name FROM customers

SELECT name FROM employees WHERE name > ALL (1)

SELECT name FROM employees e WHERE EXISTS (SELECT nonsense FROM customers WHERE full_name = e.name)

WITH x AS (SELECT name FROM employees) SELECT full_name FROM x

WITH x(a, b) AS (SELECT name FROM employees) SELECT a FROM x

SELECT name, row_number() OVER nowhere FROM employees

SELECT name FROM employees WHERE row_number() OVER () = 1

SELECT count(name) OVER (ORDER BY nonsense) FROM employees

SELECT DISTINCT ON (name) title FROM employees ORDER BY title

SELECT name FROM employees UNION SELECT name, title FROM employees

SELECT name FROM employees FOR UPDATE OF customers

SELECT name FROM employees LIMIT name

VALUES (1, (SELECT name FROM employees))

SELECT (SELECT name, title FROM employees WHERE id = 1)

INSERT INTO employees (id, name) VALUES (10)

INSERT INTO employees (id, name) SELECT id FROM employees

INSERT INTO employees (id, title, name, name) VALUES (10, 'a', 'b', 'c')

INSERT INTO employees (id, name) VALUES (10, 'x') RETURNING nonsense

--~ dual-write switch-reads stop-dual-write contract: the message does not say that there is such a table, out of reach
INSERT INTO employees (id, name) VALUES (10, employees.name)

INSERT INTO adult_ids (id) VALUES (10)

--! dual-write switch-reads: assignment of a row or sub-select to several columns
UPDATE employees SET (name, title) = ('a')

UPDATE employees SET (name, title) = (SELECT 'a')

UPDATE employees SET name = name.x

UPDATE employees e SET e.name = 'x'

UPDATE nonsense SET name = 'x' FROM employees

DELETE FROM employees e WHERE employees.name = 'x'

DELETE FROM employees USING customers WHERE id = 1

--$ nonsense;1
INSERT INTO orders (status, customer_id) VALUES ($1, $2)

--$ no at sign
UPDATE customers SET contact = $1 WHERE id = 1

--$ x
SELECT name FROM employees WHERE salary = $1

--$ 1
SELECT name FROM employees WHERE name = $1 AND id = $1

--$ 1
SELECT name FROM employees WHERE id = $2

SELECT o.*, o.id AS status FROM orders o ORDER BY status

SELECT username, email AS username FROM users ORDER BY username
