-- Rows and composites

SELECT ROW(username, age), ROW(), ROW(username), (username, age) FROM users

SELECT ROW(u.*) IS NULL FROM users u

SELECT (ROW('a', 'b')::address).city, username FROM users

SELECT (home).street || username FROM users WHERE (home).city = 'Leeds'

SELECT u.username, (u.home).city FROM users u ORDER BY (u.home).city, (u.home).street NULLS FIRST, 1

SELECT home IS NULL, (home).city IS NULL, home IS DISTINCT FROM ROW('Mill Lane', 'York')::address FROM users

SELECT username FROM users WHERE home = ROW('Mill Lane', 'York')::address

SELECT username FROM users WHERE home = ('Mill Lane', 'York')::address OR home *= ('a', 'b')::address

SELECT username FROM users WHERE home *<> ROW('a', 'b')::address AND home *< ROW('z', 'z')::address

SELECT username FROM users WHERE home *<= ROW('z', 'b')::address OR home *> ROW('a', 'b')::address OR home *>= ROW('a', 'b')::address

SELECT row_to_json(u) FROM users u

SELECT to_jsonb(u) - 'id' FROM users u

SELECT to_jsonb(u.*) FROM users u

SELECT count(u), count(u.*), count(DISTINCT u) FROM users u

SELECT json_agg(u ORDER BY u.username) FROM users u

SELECT jsonb_agg(p.*) FROM posts p

SELECT u IS NULL, u IS NOT NULL FROM users u

SELECT u.* IS NULL FROM users u

SELECT (u.*) IS NOT NULL FROM users u

SELECT u::text FROM users u

SELECT u.*::text FROM users u

SELECT u = u FROM users u

SELECT u.* = u.* FROM users u

SELECT u FROM users u

SELECT users FROM users

SELECT ROW(u, 1) FROM users u

SELECT array_agg(u) FROM users u

SELECT max((home).city) FROM users GROUP BY home

SELECT u.username FROM users u WHERE (u.home, u.age) = (SELECT v.home, v.age FROM users v WHERE v.username = 'bob')

SELECT jsonb_populate_record(NULL::address, '{"city": "x"}'), username FROM users

SELECT (jsonb_populate_record(home, '{"city": "x"}')).*, username FROM users

SELECT p.title, (SELECT u FROM (SELECT username, age FROM users WHERE id = p.user_id) u) FROM posts p

SELECT x.username FROM (SELECT * FROM users) x WHERE x IS NOT NULL
