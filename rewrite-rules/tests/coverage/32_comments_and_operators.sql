-- Comments, operators and white space

SELECT username -- the name
FROM users -- the table
WHERE id = 1 -- that is all

/* a */ SELECT /* b /* nested */ c */ username /**/ FROM/* d */users/*+ hint */WHERE id=1

SELECT username FROM users WHERE age<>-- not this
1

SELECT username FROM users WHERE age>/* between */1

SELECT username FROM users WHERE age+-/*x*/1>0 AND age=+1 IS FALSE

SELECT username /* FROM posts */ FROM users -- FROM posts

SELECT-age::int,username FROM users

SELECT username,email FROM users WHERE(id)=1 AND(username='alice')OR(false)

SELECT
	username,
	email
FROM	users
WHERE	id=1

SELECT username FROM users WHERE '-- not a comment' <> '/* nor this' AND $$ -- $$ <> ''

SELECT username FROM users WHERE username='a'||'b'OR username='bob'

SELECT username FROM users WHERE tags@>'{a}'AND tags&&'{a}'AND NOT tags<@'{}'

SELECT username FROM users WHERE age!=1 AND age<>2

SELECT profile->>'lang'||username,profile#>>'{n,0}' FROM users

SELECT u . username FROM users u WHERE u . id = 1

SELECT tags [ 1 ] , tags[ 1 : 2 ] FROM users

SELECT u.*FROM users u

SELECT count ( * ) FROM users WHERE username IN('a','b')AND id=ANY(ARRAY[1])

SELECT age%2,age^2,age|1,age#1,age&1,~age,@age,|/4 FROM users WHERE username>''

SELECT username FROM users WHERE id=1;

;SELECT username FROM users;;

SELECT 1.5e0*age,age*.5,age*-1.,2-age FROM users ORDER BY username

SELECT username::text||'x',age::int-1,-age::int FROM users
