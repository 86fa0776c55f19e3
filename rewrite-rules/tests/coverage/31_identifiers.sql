-- Identifiers

SELECT "username" FROM "users"

SELECT USERNAME FROM USERS

SELECT UserName FROM Users WHERE "users"."username" = 'bob'

SELECT u."username" AS "UserName" FROM public."users" AS u

SELECT "public"."users"."username" FROM "public"."users"

SELECT U&"\0075sername" FROM users

SELECT username FROM U&"\0075sers"

SELECT U&"u!0073ername" UESCAPE '!' FROM users

SELECT U&"user\+00006Eame", u.username FROM U&"users" AS u

SELECT username AS U&"n\0061me" FROM users ORDER BY U&"n\0061me"

SELECT "U".username FROM users "U"

SELECT "a b".username, "a""b".title FROM users "a b", posts "a""b"

SELECT "select".username FROM users "select" WHERE "select"."username" = 'bob'

SELECT ünï.username FROM users ünï

SELECT u$1.username FROM users u$1 WHERE u$1.id=1

SELECT _u.username, u2.username FROM users _u, users u2 WHERE _u.id = u2.id

SELECT value.username, name.title FROM users value, posts name

SELECT u.username AS "ü", '日本' || username FROM users u ORDER BY "ü"

SELECT username AS aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa FROM users

UPDATE "users" SET "username" = 'x', U&"t\0061gs" = '{}' WHERE "users"."id" = 1

INSERT INTO "public"."users" ("id", U&"usern\0061me") VALUES (20, 'zoe') RETURNING "username"
