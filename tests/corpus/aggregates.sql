-- GROUP BY in all its forms, aggregates, windows and frames.

SELECT name, count(*) FROM employees GROUP BY name ORDER BY name

SELECT c.full_name, count(o.id) AS orders FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id

SELECT c.id, c.full_name, c.contact, c.tags, c.joined, sum(o.total_cents) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY 1

SELECT c.*, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id

SELECT o.*, count(*) FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id ORDER BY o.id

SELECT o.status, count(*), sum(i.amount) FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.status ORDER BY o.status

SELECT status, count(*) FROM orders GROUP BY GROUPING SETS ((status), ()) ORDER BY status NULLS LAST

SELECT status, customer_id, count(*) FROM orders GROUP BY CUBE (status, customer_id) ORDER BY 1 NULLS FIRST, 2 NULLS FIRST

SELECT status, customer_id, sum(total_cents), grouping(status, customer_id) FROM orders GROUP BY ROLLUP (status, customer_id) ORDER BY 4, 1, 2

SELECT queue, state, count(*) FROM jobs GROUP BY GROUPING SETS ((queue, state), (queue), ()) ORDER BY queue NULLS LAST, state NULLS LAST

SELECT j.queue AS state, j.state AS queue, count(*) FROM jobs j GROUP BY j.queue, j.state ORDER BY 1, 2

SELECT sku, sum(quantity) AS total FROM order_items GROUP BY sku HAVING sum(quantity) > 1 ORDER BY sku

SELECT sku, sum(quantity) AS total FROM order_items GROUP BY 1 HAVING count(*) > 1 ORDER BY total DESC, sku

SELECT upper(sku), max(unit_price) FROM order_items GROUP BY upper(sku) ORDER BY upper(sku)

SELECT left(sku, 3) AS sku, count(*) FROM order_items GROUP BY left(sku, 3) ORDER BY 1

SELECT left(i.sku, 3) AS family, count(*) FROM order_items i GROUP BY family ORDER BY family

SELECT warehouse, item, on_hand FROM stock GROUP BY warehouse, item ORDER BY 1, 2

SELECT s.warehouse, s.item, s.on_hand FROM stock s GROUP BY s.warehouse, s.item, s.on_hand ORDER BY 1, 2

SELECT item, sum(on_hand) FROM stock GROUP BY item HAVING bool_or(warehouse = 'west') ORDER BY item

SELECT item, string_agg(warehouse, '+' ORDER BY warehouse DESC) FROM stock GROUP BY item ORDER BY item

SELECT array_agg(DISTINCT item ORDER BY item) FROM stock

SELECT count(DISTINCT (warehouse, item)), count(DISTINCT item) FROM stock

SELECT json_object_agg(item, on_hand ORDER BY item) FROM stock WHERE warehouse = 'east'

SELECT jsonb_object_agg(name, title) FROM employees

SELECT mode() WITHIN GROUP (ORDER BY status) FROM orders

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary) FILTER (WHERE name <> 'Root') FROM employees

SELECT rank('Cleo') WITHIN GROUP (ORDER BY name) FROM employees

SELECT min(name), max(name), min(length(name)), bool_and(name > 'A'), every(name IS NOT NULL) FROM employees

SELECT name, salary, rank() OVER (ORDER BY salary DESC NULLS LAST) FROM employees ORDER BY name

SELECT name, sum(salary) OVER (PARTITION BY manager_id ORDER BY name) FROM employees ORDER BY id

SELECT name, first_value(name) OVER w, last_value(name) OVER w FROM employees WINDOW w AS (PARTITION BY title ORDER BY name ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY id

SELECT name, count(*) OVER (w RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM employees WINDOW w AS (ORDER BY name) ORDER BY name

SELECT name, avg(salary) OVER (ORDER BY hired ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM employees ORDER BY hired

SELECT name, string_agg(name, ',') OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM employees ORDER BY id

SELECT name, string_agg(name, ',') OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM employees ORDER BY id

SELECT name, lead(name, 2, 'nobody') OVER (ORDER BY name), nth_value(name, 2) OVER (ORDER BY name) FROM employees ORDER BY name

SELECT name, ntile(2) OVER (ORDER BY name), percent_rank() OVER (ORDER BY name), cume_dist() OVER (ORDER BY name) FROM employees ORDER BY name

SELECT e.name, row_number() OVER (PARTITION BY e.name > 'C' ORDER BY e.name DESC) AS n FROM employees e ORDER BY n, e.name

SELECT * FROM (SELECT name, row_number() OVER (PARTITION BY manager_id ORDER BY name) AS place FROM employees) ranked WHERE place = 1 ORDER BY name

SELECT o.id, o.status, dense_rank() OVER by_status FROM orders o WINDOW by_status AS (ORDER BY o.status), other AS (by_status) ORDER BY o.id

SELECT status, count(*), sum(count(*)) OVER (ORDER BY status) FROM orders GROUP BY status ORDER BY status

SELECT status, rank() OVER (ORDER BY count(*) DESC, status) FROM orders GROUP BY status ORDER BY 2

SELECT customer_id, count(*) FILTER (WHERE status = 'paid') AS paid, count(*) FILTER (WHERE status <> 'paid') AS unpaid FROM orders GROUP BY customer_id ORDER BY customer_id

SELECT date_trunc('month', placed_at) AS month, status, count(*) FROM orders GROUP BY month, status ORDER BY month, status

SELECT DISTINCT status FROM orders ORDER BY status DESC

SELECT DISTINCT ON (customer_id) customer_id, status, placed_at FROM orders ORDER BY customer_id, placed_at DESC

SELECT DISTINCT ON (o.status) o.status, o.id FROM orders o ORDER BY o.status, o.id

SELECT DISTINCT ON (status, customer_id) id, status FROM orders ORDER BY status, customer_id, id

SELECT DISTINCT ON (lower(name)) lower(name) AS name, id FROM employees ORDER BY lower(name), id

SELECT DISTINCT sku, quantity FROM order_items ORDER BY sku, quantity

SELECT count(*), count(name), count(manager_id) FROM employees

SELECT sum(CASE status WHEN 'paid' THEN total_cents END) AS paid FROM orders

SELECT count(*) FROM (SELECT DISTINCT status, customer_id FROM orders) d

SELECT (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS n, c.full_name FROM customers c ORDER BY n DESC, c.id

SELECT e.title, array_agg(e.name ORDER BY e.name) FILTER (WHERE e.salary > 100) FROM employees e GROUP BY e.title ORDER BY e.title NULLS LAST

SELECT max(e.name) FROM employees e GROUP BY ()

SELECT count(*) FROM employees GROUP BY GROUPING SETS (()) HAVING max(name) > 'A'

SELECT manager_id, name FROM employees GROUP BY DISTINCT ROLLUP (manager_id, name), ROLLUP (manager_id) ORDER BY 1, 2

SELECT name AS n FROM employees GROUP BY n HAVING count(name) = 1 ORDER BY n

SELECT length(name) AS name, count(*) FROM employees GROUP BY length(name) ORDER BY name

SELECT id, name FROM employees GROUP BY id ORDER BY id

SELECT e.id, e.name, m.name FROM employees e JOIN employees m ON m.id = e.manager_id GROUP BY e.id, m.id ORDER BY e.id

SELECT a.title, count(*) FROM articles a GROUP BY a.id ORDER BY a.id

SELECT a.title || '?', a.body FROM articles a GROUP BY a.id HAVING a.title <> 'Draft' ORDER BY a.title

SELECT regr_slope(i.quantity, i.line_no), corr(i.quantity, i.line_no) FROM order_items i WHERE i.sku LIKE '%-%'
