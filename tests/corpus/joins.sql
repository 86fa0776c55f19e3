-- Joins of all kinds, with and without names in common.

SELECT c.full_name, o.status FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY o.id

SELECT c.full_name, o.status FROM customers c LEFT JOIN orders o ON c.id = o.customer_id ORDER BY c.id, o.id

SELECT c.full_name, o.status FROM orders o RIGHT JOIN customers c ON c.id = o.customer_id ORDER BY c.id, o.id

SELECT c.full_name, e.name FROM customers c FULL JOIN employees e ON e.id = c.id ORDER BY c.id, e.id

SELECT c.full_name, s.item FROM customers c CROSS JOIN stock s ORDER BY 1, 2, s.warehouse

SELECT c.full_name, s.item FROM customers c, stock s WHERE c.id = s.on_hand ORDER BY 1, 2

SELECT full_name, status, sku, quantity FROM customers JOIN orders ON customer_id = customers.id JOIN order_items ON order_id = orders.id ORDER BY order_id, line_no

SELECT c.full_name, o.id, i.sku FROM customers AS c INNER JOIN (orders AS o INNER JOIN order_items AS i ON i.order_id = o.id) ON o.customer_id = c.id ORDER BY o.id, i.line_no

SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY o.id

SELECT o.*, c.* FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY o.id

SELECT c.*, o.status, i.* FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id ORDER BY o.id, i.line_no

SELECT e.name, m.name AS manager FROM employees e LEFT JOIN employees m ON m.id = e.manager_id ORDER BY e.id

SELECT e.name, m.name, b.name FROM employees e JOIN employees m ON m.id = e.manager_id JOIN employees b ON b.id = m.manager_id ORDER BY e.id

SELECT * FROM employees e JOIN employees m ON m.id = e.manager_id ORDER BY e.id

SELECT s.item, i.sku, s.on_hand - i.quantity AS rest FROM stock s JOIN order_items i ON i.sku = s.item ORDER BY 1, s.warehouse, i.order_id

SELECT s.item FROM stock s WHERE EXISTS (SELECT FROM order_items WHERE sku = item) ORDER BY s.item, s.warehouse

SELECT s.item FROM stock s WHERE s.item NOT IN (SELECT sku FROM order_items) ORDER BY 1

SELECT s.warehouse, i.order_id FROM stock s LEFT JOIN LATERAL (SELECT order_id FROM order_items WHERE sku = s.item ORDER BY order_id LIMIT 1) i ON true ORDER BY s.warehouse, s.item

SELECT c.full_name, last.status, last.placed_at FROM customers c CROSS JOIN LATERAL (SELECT * FROM orders o WHERE o.customer_id = c.id ORDER BY o.placed_at DESC LIMIT 1) last ORDER BY c.id

SELECT c.full_name, t.tag FROM customers c, unnest(c.tags) AS t(tag) ORDER BY c.id, t.tag

SELECT c.full_name, t.tag, t.place FROM customers c, unnest(c.tags) WITH ORDINALITY AS t(tag, place) ORDER BY c.id, t.place

SELECT c.full_name, t FROM customers c LEFT JOIN unnest(tags) t ON true ORDER BY c.id, t

SELECT c.id, k.key, k.value FROM customers c, jsonb_each_text(c.attributes) k ORDER BY 1, 2

SELECT c.full_name, k FROM customers c CROSS JOIN LATERAL jsonb_object_keys(c.attributes) AS k ORDER BY 1, 2

SELECT u.username, l.username AS letter, l.place FROM users u, letters(u.username) l WHERE u.id < 3 ORDER BY u.id, l.place

SELECT u.username, p.title FROM users u, posts_of(u.id) p ORDER BY p.id

SELECT u.username, p.* FROM users u CROSS JOIN LATERAL posts_of(u.id) AS p ORDER BY p.id

SELECT u.username, p FROM users u, posts_of(u.id) p ORDER BY p.id

SELECT * FROM users u JOIN posts_of(1) p ON p.user_id = u.id ORDER BY p.id

SELECT title FROM tasks AS title JOIN posts_of(1) p ON title.id = p.id ORDER BY p.id

SELECT u.username, r.* FROM users u, ROWS FROM (generate_series(1, 2), letters('ab')) AS r(n, letter, place) WHERE u.id = 1 ORDER BY n

SELECT u.username, r.n FROM users u JOIN ROWS FROM (generate_series(1, 3)) WITH ORDINALITY AS r(n, o) ON r.n = u.id ORDER BY 2

SELECT u.username, x.a, x.b FROM users u, json_to_recordset('[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]') AS x(a int, b text) WHERE x.a = u.id ORDER BY 2

SELECT u.username, x.username AS other FROM users u, jsonb_to_record('{"username": "zed"}') AS x(username text) WHERE u.id = 1

SELECT * FROM users JOIN LATERAL (SELECT users.username || '!' AS loud) l ON true ORDER BY id

SELECT users.username, posts.username FROM users, posts WHERE posts.user_id = users.id ORDER BY posts.id

SELECT username FROM users JOIN employees ON employees.id = users.id ORDER BY employees.name

SELECT id, name, username FROM users JOIN employees USING (id) ORDER BY id

SELECT j.id, username FROM users JOIN employees USING (id) AS j ORDER BY j.id

SELECT j.username, u.id, p.id FROM users u JOIN posts p USING (username) AS j ORDER BY 1

SELECT * FROM users u JOIN posts p USING (username) ORDER BY p.id

SELECT username FROM users u LEFT JOIN posts p USING (username) ORDER BY username

--? fails
SELECT username, u.username, p.username FROM users u FULL JOIN posts p USING (username) ORDER BY username, u.id, p.id

SELECT u.*, p.id FROM users u JOIN posts p USING (username) ORDER BY p.id

SELECT username, count(*) FROM users u FULL JOIN posts p USING (username) GROUP BY username ORDER BY username

--? old names
SELECT id, username FROM users u JOIN archive.users a USING (id, username) ORDER BY id

SELECT id, u.username, a.username, handle FROM users u JOIN archive.users a USING (id) ORDER BY id

--! expand dual-write switch-reads stop-dual-write contract: a table of the same name beside it
SELECT * FROM users NATURAL JOIN archive.users ORDER BY id

SELECT * FROM users u NATURAL LEFT JOIN (SELECT id, note FROM archive.users) a ORDER BY id

SELECT id, status FROM orders NATURAL JOIN (VALUES (1::bigint, 'paid'::order_state)) v(id, status)

SELECT count(*) FROM orders o1 NATURAL JOIN orders o2

SELECT * FROM customers NATURAL JOIN (SELECT id, 'x' AS extra FROM orders) o ORDER BY id

SELECT title FROM articles NATURAL JOIN posts ORDER BY 1

SELECT a.title, p.title FROM articles a JOIN posts p USING (id) ORDER BY 1

SELECT title, a.id, p.id FROM articles a FULL JOIN posts p USING (title) ORDER BY title

--? old names
SELECT item, s.on_hand, t.on_hand FROM stock s JOIN stock t USING (item) WHERE s.warehouse < t.warehouse ORDER BY item

--? old names
SELECT warehouse, item FROM stock JOIN stock AS other USING (warehouse, item) ORDER BY 1, 2

SELECT x.full_name, x.status FROM (customers c JOIN orders o ON o.customer_id = c.id) AS x(cid, full_name, contact, address, tags, attributes, joined, oid, customer_id, status) ORDER BY x.oid

SELECT x.author, x.title FROM (users u JOIN posts p ON p.user_id = u.id) AS x(id, author, email, age, pid, user_id, title) ORDER BY pid

SELECT a.username, b.username, c.username FROM users a, users b, archive.users c WHERE a.id = b.id AND b.id = c.id ORDER BY 1

--? fails
SELECT users.username, archive.users.username FROM public.users JOIN archive.users ON archive.users.id = public.users.id ORDER BY 1

SELECT public.users.username, u.username FROM users, archive.users u WHERE u.id = public.users.id ORDER BY 1

SELECT a.username, a.handle FROM archive.users a ORDER BY a.id

SELECT p.username, p.title FROM posts p JOIN post_titles t ON t.id = p.id WHERE t.username LIKE '%ir%' ORDER BY p.id

SELECT u.username, a.age FROM users u JOIN adult_ids a ON a.id = u.id ORDER BY u.id

SELECT t.username, u.username FROM post_titles t JOIN users u ON u.id = t.id ORDER BY u.id

SELECT u.username FROM users u WHERE u.id IN (SELECT user_id FROM posts p JOIN title_lengths l USING (id) WHERE letters > 4) ORDER BY 1

SELECT u.username FROM users u LEFT JOIN (posts p JOIN notes n ON n.id = p.id) ON p.user_id = u.id WHERE n.handle IS NOT NULL ORDER BY u.id

SELECT u.username, n.handle FROM users u LEFT JOIN notes n USING (id) ORDER BY id

SELECT * FROM users u CROSS JOIN notes n WHERE n.id = u.id ORDER BY u.id

SELECT handle, username FROM notes JOIN posts ON posts.id = notes.id ORDER BY 1

SELECT u.username FROM ONLY users AS u JOIN ONLY (posts) p ON p.user_id = u.id ORDER BY p.id

SELECT c.full_name AS a, o.customer_id AS b FROM customers c JOIN orders o ON (c.id, 'paid') = (o.customer_id, o.status::text) ORDER BY o.id

SELECT e1.name FROM employees e1 WHERE e1.salary > (SELECT avg(e2.salary) FROM employees e2 WHERE e2.name <> e1.name) ORDER BY e1.name

SELECT c.full_name FROM customers c JOIN orders o ON o.customer_id = c.id AND o.status IN ('paid', 'shipped') JOIN order_items i ON i.order_id = o.id AND i.sku ~ '^CUP' ORDER BY o.id

SELECT a.id, b.id FROM orders a JOIN orders b ON a.status = b.status AND a.id < b.id ORDER BY 1, 2

SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL ORDER BY 1

SELECT c.full_name, o.status FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status = 'paid' ORDER BY c.id, o.id

SELECT u.username, c.full_name, e.name, a.title FROM users u JOIN customers c ON c.id = u.id JOIN employees e ON e.id = u.id JOIN articles a ON a.id = u.id ORDER BY u.id

SELECT * FROM users JOIN archive.users ON public.users.id = archive.users.id ORDER BY public.users.id

SELECT archive.users.*, public.users.* FROM archive.users JOIN public.users ON public.users.id = archive.users.id ORDER BY 1

SELECT email, handle, public.users.username FROM users, archive.users WHERE public.users.id = archive.users.id ORDER BY email

SELECT u.email AS username FROM users u ORDER BY username NULLS FIRST

SELECT c.contact AS full_name, c.full_name AS contact FROM customers c ORDER BY full_name NULLS FIRST, contact

SELECT u.username, handle, n.id FROM users u JOIN archive.users a ON a.id = u.id JOIN notes n USING (handle) ORDER BY 1

SELECT u.username, handle FROM archive.users a JOIN (users u JOIN notes n ON n.id = u.id) USING (handle) ORDER BY 1

SELECT posts.title, (SELECT max(title) FROM posts_of(1) f WHERE f.id >= employees.id) FROM posts, employees WHERE posts.id = employees.id ORDER BY 1
