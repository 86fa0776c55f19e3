-- Literals and casts

SELECT username, 1, 1.5, .5, 1., 1e3, 1.5e-3, 1E+2, -1, + 2 FROM users

SELECT username, 'it''s', '', '''' FROM users WHERE false OR 'x' <> 'y'

SELECT username, E'a\nb', E'it\'s', e'\\', E'\x41\101A' FROM users

SELECT username, 'two'
 'parts' FROM users

SELECT username, 'two' -- a comment between
  -- and another
  'parts' FROM users

SELECT username, E'a\'b'
  'c\'d' FROM users

SELECT username, U&'d\0061t\+000061' FROM users

SELECT username, U&'d!0061t' UESCAPE '!', u&'x' uescape '#' FROM users

SELECT username, B'101', b'0', X'1F', x'ff' FROM users

SELECT username, N'national' FROM users

SELECT username, $$it's$$, $tag$a $$ b$tag$, $a$$b$c$b$$a$ FROM users

SELECT username FROM users WHERE username = $$bob$$

SELECT username FROM users WHERE username = $x$-- bob$x$ OR username = $x$bob$x$

SELECT date '2024-01-01', time '10:00', timestamp '2024-01-01 10:00', timestamptz '2024-01-01 10:00+00', username FROM users

SELECT timestamp with time zone '2024-01-01 10:00+00', timestamp without time zone '2024-01-01', time with time zone '10:00+00', username FROM users

SELECT timestamp(0) '2024-01-01 10:00:00.5', time(1) without time zone '10:00:00.55', timestamp(3) with time zone '2024-01-01', username FROM users

SELECT int '1', int4 '2', bigint '3', pg_catalog.int8 '4', "char" 'c', double precision '1.5', real '2.5', username FROM users

SELECT numeric(5, 2) '1.234', varchar(3) 'abcdef', character varying(2) 'abc', char(2) 'abc', bit(3) '101', bit varying(5) '1', username FROM users

SELECT boolean 'yes', json '{}', jsonb '[1]', uuid '00000000-0000-0000-0000-000000000000', xml '<a/>', inet '127.0.0.1', username FROM users

SELECT point '(1,2)', box '((0,0),(1,1))', circle '<(0,0),1>', path '[(0,0),(1,1)]', username FROM users

SELECT username FROM users WHERE born > date '1990-01-01' AND seen < timestamptz 'infinity'

SELECT CAST(username AS varchar(3)), CAST(age AS text), CAST('1' AS integer) FROM users

SELECT username::varchar(3)::text, age::text, '1'::int, '{1,2}'::int[], '{{1}}'::int[][] FROM users

SELECT CAST(tags AS text[]), tags::varchar[], tags::text ARRAY FROM users

SELECT age::numeric(10, 2), age::double precision, seen::timestamp(0) without time zone, seen::time with time zone FROM users

SELECT CAST(home AS address), home::text, (home).city::varchar FROM users

SELECT username::"char", username::pg_catalog.text, username::public.address FROM users WHERE false

SELECT float8(age), text(username), int4(score), date(seen) FROM users

SELECT treat(username AS text) FROM users

SELECT (- age)::text, -age::bigint, - age ^ 2, NOT active::text::boolean FROM users

SELECT username FROM users WHERE username = CAST($1 AS text)

SELECT username FROM users WHERE username = $1 AND age > $2::int AND id = ANY ($3::bigint[])

SELECT username FROM users WHERE username=$1 OR email=$2 OR $1 IS NULL
