-- Arrays and subscripts

SELECT tags[1] FROM users

SELECT tags[1:2], tags[:2], tags[2:], tags[:] FROM users

SELECT u.tags[array_length(u.tags, 1)] FROM users u

SELECT (tags)[1], (tags || 'z'::text)[2], (ARRAY[username, email])[1] FROM users

SELECT public.users.tags[1] FROM public.users

SELECT tags[1][1], tags[1:1][1:1], tags[age - 29:1 + 1] FROM users

SELECT tags[(SELECT min(words) FROM posts)] FROM users

SELECT ARRAY[username, email], ARRAY[]::text[], ARRAY[[username], [email]], ARRAY[ARRAY[1, 2], ARRAY[3, age]] FROM users

SELECT ARRAY(SELECT title FROM posts WHERE user_id = users.id ORDER BY title) FROM users

SELECT ARRAY(VALUES (username), (email)) FROM users

SELECT ARRAY((SELECT username FROM staging) UNION (SELECT 'x') ORDER BY 1) FROM users

SELECT username FROM users WHERE tags @> ARRAY['a'] AND tags && '{a,b}' AND '{a}' <@ tags

SELECT username FROM users WHERE tags[1] = 'a' OR tags = '{}' OR cardinality(tags) > 2

SELECT username, unnest(tags) FROM users

SELECT u.username, t FROM users u, unnest(u.tags) AS t

SELECT u.username, t.tag, t.n FROM users u CROSS JOIN LATERAL unnest(u.tags) WITH ORDINALITY AS t(tag, n)

SELECT u.username, x.* FROM users u, unnest(u.tags, ARRAY[1, 2]) AS x(a, b)

SELECT array_agg(username ORDER BY username), array_agg(DISTINCT tags[1]) FROM users

SELECT array_append(tags, username), array_cat(tags, tags), array_remove(tags, 'a'), array_position(tags, 'b') FROM users

SELECT username FROM users WHERE username = ANY (ARRAY(SELECT title FROM posts)) OR tags = ARRAY['b']

SELECT array_dims(tags), array_upper(tags, 1), tags || tags, tags || username, username || tags FROM users

SELECT string_agg(tags[1], ',' ORDER BY id) FROM users

SELECT labels[1], p.labels[2:2], u.tags[1] FROM posts p JOIN users u ON u.id = p.user_id

SELECT tags IS NULL, tags IS NOT NULL, tags[9] IS NULL, tags[1] LIKE 'a%' FROM users

SELECT tags[1]::varchar, (tags::varchar[])[1], CAST(tags[1] AS char(1)) FROM users

SELECT generate_subscripts(tags, 1), username FROM users
