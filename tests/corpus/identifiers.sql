-- How names and literals can be written: quotes, case, Unicode, comments, dollar quotes, escapes.

SELECT "username" FROM "public"."users" ORDER BY "users"."id"

SELECT "users"."username" AS "USERNAME", "id" AS "ID" FROM "users" ORDER BY "ID"

SELECT UserName, uSeRnAmE AS UserName2, "username" AS "UserName" FROM Users ORDER BY ID

SELECT U.USERNAME FROM USERS AS U WHERE U.USERNAME = 'bob'

SELECT "U"."username" FROM users "U" WHERE "U".id = 1

SELECT "a.b"."username" FROM users "a.b" ORDER BY "a.b"."id"

SELECT "my ""alias"""."username" AS "the ""label""" FROM users "my ""alias""" ORDER BY "the ""label"""

SELECT "select"."username" AS "from" FROM users "select" ORDER BY "from"

SELECT username AS "select", username AS "order by", username AS " " FROM users ORDER BY "order by"

SELECT username"label" FROM users ORDER BY"label"

SELECT username AS namens, username AS désolé, username AS имя FROM users ORDER BY имя

SELECT ü.username FROM users ü ORDER BY ü.username

SELECT "Länge", "naïve" FROM "Größe" ORDER BY id

SELECT g."Länge" AS länge, g."naïve" AS "Länge" FROM "Größe" AS g ORDER BY "Länge", länge

SELECT "Größe"."Länge" FROM "Größe" WHERE "naïve" IS NOT NULL ORDER BY "Größe".id

SELECT * FROM "Größe" WHERE "Länge" > 1 AND 'ä' <> 'ö' ORDER BY "naïve" COLLATE "C"

SELECT x."a b" || '' AS y, x."select", x."Mixed" FROM "odd ""name""" AS x ORDER BY x."Mixed"

SELECT "odd ""name"""."a b" FROM "odd ""name""" ORDER BY id

SELECT "a b" AS "c""d" FROM "odd ""name""" ORDER BY "c""d"

SELECT * FROM "odd ""name""" ORDER BY id

SELECT "userName", "Bio", username FROM "Account" ORDER BY "userName"

SELECT a."userName" AS username FROM "Account" AS a WHERE a."userName" LIKE '%A%' OR a.username = 'y' ORDER BY username

SELECT "username" FROM "Account" WHERE "userName" IS NOT NULL ORDER BY id

--? fails
SELECT username FROM "Users"

--? fails
SELECT "UserName" FROM users

--? fails
SELECT userName FROM "Account" a JOIN account b USING (id)

SELECT U&"user\006eame" FROM users ORDER BY id

SELECT U&"user!006eame" UESCAPE '!' FROM users ORDER BY id

SELECT username FROM U&"user\0073" ORDER BY id

SELECT username AS U&"caf\00e9" FROM users WHERE id = 1

SELECT id FROM users WHERE username = U&'\0061lice'

SELECT id FROM users WHERE username = U&'!0061lice' UESCAPE '!'

SELECT id FROM users WHERE username = E'al\x69ce' OR username = E'ev\145\'s' ORDER BY id

SELECT id FROM users WHERE username = E'\u0061lice'

SELECT id FROM users WHERE username = $$eve's$$

SELECT id FROM users WHERE username = $username$alice$username$

SELECT id, $a$username$a$, $$$users$$ FROM users WHERE username = $q$bob$q$

SELECT 'it''s username', username FROM users WHERE username = 'eve''s'

SELECT id FROM users WHERE username = 'al'
    'ice'

SELECT id FROM users WHERE username = 'al' -- username
    'ice'

SELECT id FROM users WHERE username = N'alice'

SELECT id, B'101', X'1F', username FROM users WHERE id = 1

SELECT /* username */ username /* /* nested users.username */ */ FROM /* users */ users -- users
WHERE /* handle */ username = 'bob' -- the end

SELECT username--comment
FROM users--comment
WHERE id = 1--comment

--? fails
SELECT username -- no newline, and a semicolon; SELECT 1

/* leading */ SELECT username FROM users WHERE id = 1 /* trailing */

/*+ SeqScan(users) */ SELECT username FROM users WHERE id = 1

/* app:shop,controller:users */ SELECT "users"."username" FROM "users" WHERE "users"."id" = 1 LIMIT 1 /* line:42 */

SELECT users . username FROM public . users ORDER BY users . id

SELECT users.
username FROM public
.users ORDER BY
id

SELECT	username	FROM	users	WHERE	id=1

SELECT(username)FROM users WHERE(id=1)

--? fails
SELECT(username)FROM(users)WHERE(id=1)

SELECT username,username,((username))FROM users u WHERE(u.username)IN('bob')

SELECT id FROM users WHERE username='alice'AND age=30

--? fails
SELECT 1.username FROM (SELECT 5) t(x)

SELECT id+1 AS username,-id,+id,id-1,id- -1,-(-id)FROM users ORDER BY username

SELECT username||username, id::text||username, username::text||'!'::text FROM users ORDER BY id

SELECT username<>'bob', username!='bob', username>='bob', NOT username<'bob' FROM users ORDER BY id

SELECT id, age<-1, age<@int4range(1, 99), username~~'a%', username!~~'a%', username~*'A' FROM users ORDER BY id

SELECT 1e1, .5, 5., 1.5e-3 FROM users WHERE username = 'alice'

--? fails
SELECT * FROM users u WHERE u.id=1and u.username='alice'

SELECT username FROM users WHERE id=$$1$$::bigint

--? fails
--$ 1
SELECT username FROM users WHERE id=$1AND true

--$ bob
SELECT username AS "$1", '$1' FROM users WHERE username=$1

--$ bob;x
SELECT /* $3 */ $2::text AS "x$1", username FROM users WHERE username = $1 -- $4

SELECT username FROM users WHERE id = 1;;

; SELECT username FROM users WHERE id = 1

SELECT users.username users FROM users ORDER BY users

SELECT username username FROM users ORDER BY username

SELECT username AS users FROM users users ORDER BY users

SELECT u.username AS u FROM users u ORDER BY u

SELECT id AS handle, username AS id FROM users ORDER BY handle

SELECT handle FROM (SELECT username AS handle FROM users) users ORDER BY handle

SELECT users.handle FROM (SELECT username AS handle FROM users) users ORDER BY 1

SELECT n.handle AS username, n.body AS handle FROM notes n ORDER BY n.id

SELECT year, month.username FROM users month, (SELECT 1 AS year) y ORDER BY month.id

SELECT value.username AS key FROM users AS value ORDER BY key

SELECT name.username AS type FROM users name ORDER BY type

SELECT date.username, time.name FROM users date JOIN employees time ON time.id = date.id ORDER BY 1

SELECT "left".username, "right".username FROM users "left" JOIN users "right" ON "left".id = "right".id + 1 ORDER BY 1

SELECT semi.username, anti.title FROM users semi JOIN posts anti ON anti.user_id = semi.id ORDER BY anti.id

SELECT username FROM users global WHERE global.id = 1

SELECT offset_.username, first.name FROM users offset_, employees first WHERE first.id = offset_.id ORDER BY 1

SELECT u.username AS end, u.id AS user FROM users u ORDER BY u.id

SELECT data.username, public.name FROM users data, employees public WHERE public.id = data.id ORDER BY 1

SELECT username_, handle_ FROM (SELECT username AS username_, email AS handle_ FROM users) s ORDER BY 1

SELECT abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz.username FROM users abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz ORDER BY 1

SELECT username AS abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz FROM users ORDER BY 1

UPDATE "users" SET "username" = 'x' WHERE "users"."id" = 1 RETURNING "users"."username", "username" AS "Name"

UPDATE users SET/*c*/username/*c*/=/*c*/'x'/*c*/WHERE id=1

INSERT INTO "users" ( "id" , "username" ) VALUES ( 10 , 'frank' ) RETURNING "id" , "username"

INSERT INTO users/*c*/(/*c*/id/*c*/,/*c*/username/*c*/)/*c*/VALUES/*c*/(/*c*/10/*c*/,/*c*/'frank'/*c*/)

INSERT INTO users (id, username) VALUES (10, $tag$it's $$ fine$tag$) RETURNING username

INSERT INTO users (id, username) VALUES (10, E'tab\tnew\nline\\') RETURNING username

INSERT INTO users (id, username) VALUES (10, U&'\00fc') RETURNING username

INSERT INTO users (id, username) VALUES (10, 'schön' || chr(252)) RETURNING username

INSERT INTO "Account" ("id", "userName", "username") VALUES (10, 'A', 'b') RETURNING "userName", "username"

INSERT INTO "odd ""name""" ("id", "a b") VALUES (10, 'x') ON CONFLICT ("id") DO UPDATE SET "a b" = EXCLUDED."a b" RETURNING "a b"

DELETE FROM "Account" AS "A" WHERE "A"."userName" = 'Bob B' RETURNING "A"."userName"

DELETE FROM "Größe" WHERE "Länge" IS NULL RETURNING "naïve"

SELECT*FROM users ORDER BY id

SELECT u.*FROM users u ORDER BY id

SELECT username,*FROM users ORDER BY id

SELECT"username"FROM"users"WHERE"users"."id"=1

SELECT count(*)FILTER(WHERE username='bob')FROM users

SELECT id FROM users WHERE(username)IN('bob')OR username='alice'ORDER BY(username)DESC

SELECT(SELECT username FROM users WHERE id=1)FROM users WHERE id=1

SELECT CASE WHEN username='bob'THEN'x'ELSE username END FROM users ORDER BY(id)

SELECT username::text FROM users ORDER BY(id)

SELECT row_to_json(u)FROM users u WHERE(id=1)

SELECT*FROM users NATURAL JOIN(SELECT 1::bigint id)x

INSERT INTO users(id,username)VALUES(10,'tight')RETURNING*

INSERT INTO users(id,username)VALUES(1,'tight')ON CONFLICT(id)DO UPDATE SET username=EXCLUDED.username RETURNING*

INSERT INTO users VALUES(10,'tight')RETURNING(username)

INSERT INTO users(id,username)SELECT 10,'tight'RETURNING(username)

UPDATE users SET username='x'WHERE id=(1)RETURNING(username)

UPDATE users SET username='x'WHERE(id=1)RETURNING*

UPDATE users SET(username,age)=('x',1)WHERE(id=1)RETURNING(username)

UPDATE users SET username=tick()WHERE(id=1)RETURNING username

DELETE FROM users WHERE(id=6)RETURNING*

WITH x AS(SELECT*FROM users)SELECT*FROM x ORDER BY id
