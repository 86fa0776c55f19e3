-- What object-relational mappers send, identifier quotes, aliases and all.

-- Django
--$ alice
SELECT "users"."id", "users"."username", "users"."email", "users"."age" FROM "users" WHERE "users"."username" = $1 LIMIT 21

SELECT "users"."id", "users"."username" FROM "users" WHERE "users"."username"::text LIKE 'a%' ORDER BY "users"."username" ASC

SELECT "users"."id", "users"."username" FROM "users" WHERE UPPER("users"."username"::text) LIKE UPPER('%O%') ORDER BY "users"."id" ASC

SELECT COUNT(*) AS "__count" FROM "users" WHERE ("users"."username" IN ('alice', 'bob') AND NOT ("users"."age" = 18 AND "users"."age" IS NOT NULL))

SELECT (1) AS "a" FROM "users" WHERE "users"."username" = 'alice' LIMIT 1

SELECT "posts"."id", "posts"."title", "users"."id", "users"."username" FROM "posts" LEFT OUTER JOIN "users" ON ("posts"."user_id" = "users"."id") WHERE "users"."username" = 'alice' ORDER BY "posts"."id" ASC

SELECT "posts"."id", T3."username" FROM "posts" INNER JOIN "users" ON ("posts"."user_id" = "users"."id") INNER JOIN "users" T3 ON (T3."id" = "users"."id") WHERE T3."username" > 'a' ORDER BY "posts"."id"

SELECT "customers"."id", "customers"."full_name", COUNT("orders"."id") AS "num" FROM "customers" LEFT OUTER JOIN "orders" ON ("customers"."id" = "orders"."customer_id") GROUP BY "customers"."id" HAVING COUNT("orders"."id") > 0 ORDER BY "num" DESC, "customers"."id"

SELECT "customers"."id", "customers"."full_name", EXISTS(SELECT 1 AS "a" FROM "orders" U0 WHERE (U0."customer_id" = ("customers"."id") AND U0."status" = 'paid') LIMIT 1) AS "has_paid" FROM "customers" ORDER BY "customers"."id"

SELECT "__col1", "__count" FROM (SELECT "orders"."status" AS "__col1", COUNT(*) AS "__count" FROM "orders" GROUP BY "__col1") "subquery" ORDER BY 1

SELECT COUNT(*) FROM (SELECT DISTINCT "orders"."customer_id" AS "col1" FROM "orders") subquery

SELECT "orders"."id", ROW_NUMBER() OVER (PARTITION BY "orders"."customer_id" ORDER BY "orders"."placed_at" DESC) AS "rank" FROM "orders" ORDER BY "orders"."id"

SELECT DISTINCT "customers"."id", "customers"."full_name", "orders"."placed_at" FROM "customers" INNER JOIN "orders" ON ("customers"."id" = "orders"."customer_id") ORDER BY "orders"."placed_at" DESC, "customers"."id"

--$ x;1
UPDATE "users" SET "username" = $1, "email" = NULL WHERE "users"."id" = $2

UPDATE "users" SET "age" = ("users"."age" + 1) WHERE "users"."username" IN (SELECT U0."username" FROM "posts" U0 WHERE U0."username" IS NOT NULL)

UPDATE "customers" SET "full_name" = CASE WHEN ("customers"."id" = 1) THEN 'One' WHEN ("customers"."id" = 2) THEN 'Two' ELSE NULL END WHERE "customers"."id" IN (1, 2)

UPDATE "orders" SET "status" = (CASE WHEN ("orders"."id" = 1) THEN 'new' WHEN ("orders"."id" = 2) THEN 'paid' ELSE NULL END)::order_state WHERE "orders"."id" IN (1, 2)

--$ Neo;neo@example.com
INSERT INTO "customers" ("full_name", "contact", "address", "tags", "attributes", "joined") VALUES ($1, $2, NULL, '{}', '{}', '2024-01-01') RETURNING "customers"."id"

INSERT INTO "customers" ("full_name", "tags", "attributes") VALUES ('A', '{}'::text[], '{}'::jsonb), ('B', '{}'::text[], '{}'::jsonb) ON CONFLICT DO NOTHING RETURNING "customers"."id"

DELETE FROM "posts" WHERE "posts"."user_id" IN (SELECT U0."id" FROM "users" U0 WHERE U0."username" = 'alice')

SELECT "users"."id" FROM "users" WHERE "users"."username" = 'alice' FOR UPDATE OF "users"

SELECT ("customers"."attributes" -> 'tier') AS "tier", ("customers"."attributes" #>> '{langs,0}') AS "lang" FROM "customers" WHERE ("customers"."attributes" -> 'tier') = '"gold"'::jsonb

SELECT "articles"."id", ts_rank(to_tsvector(COALESCE("articles"."title", '') || ' ' || COALESCE("articles"."body", '')), plainto_tsquery('tea')) AS "rank" FROM "articles" ORDER BY "rank" DESC, "articles"."id"

-- SQLAlchemy
--$ alice
SELECT users.id AS users_id, users.username AS users_username, users.email AS users_email FROM users WHERE users.username = $1::VARCHAR LIMIT 1

SELECT users.id, users.username, anon_1.n FROM users LEFT OUTER JOIN (SELECT posts.user_id AS user_id, count(*) AS n FROM posts GROUP BY posts.user_id) AS anon_1 ON users.id = anon_1.user_id ORDER BY users.id

SELECT users_1.username AS users_1_username, posts.id AS posts_id FROM posts LEFT OUTER JOIN users AS users_1 ON users_1.id = posts.user_id ORDER BY posts.id

SELECT anon_1.users_username FROM (SELECT users.username AS users_username FROM users ORDER BY users.id LIMIT 2) AS anon_1 ORDER BY 1

SELECT count(*) AS count_1 FROM (SELECT users.id AS users_id, users.username AS users_username FROM users WHERE lower(users.username) = lower('Dave')) AS anon_1

INSERT INTO users (id, username, email) SELECT p0::BIGINT, p1::VARCHAR, p2::VARCHAR FROM (VALUES (20, 'sa1', 'e1', 0), (21, 'sa2', NULL, 1)) AS imp_sen(p0, p1, p2, sen_counter) ORDER BY sen_counter RETURNING users.id, users.id AS id__1

--$ new;old
UPDATE users SET username=$1::VARCHAR WHERE users.username = $2::VARCHAR

SELECT customers.id, array_agg(orders.status) FILTER (WHERE orders.status IS NOT NULL) AS states FROM customers LEFT OUTER JOIN orders ON customers.id = orders.customer_id AND orders.status = 'paid' GROUP BY customers.id ORDER BY customers.id

WITH RECURSIVE anon_1(id, manager_id, name) AS (SELECT employees.id AS id, employees.manager_id AS manager_id, employees.name AS name FROM employees WHERE employees.id = 2 UNION ALL SELECT employees.id AS id, employees.manager_id AS manager_id, employees.name AS name FROM employees JOIN anon_1 ON employees.manager_id = anon_1.id) SELECT anon_1.id, anon_1.name FROM anon_1 ORDER BY anon_1.id

DELETE FROM orders USING customers WHERE orders.customer_id = customers.id AND customers.full_name = 'Carl Gauss' AND orders.status = 'cancelled'

INSERT INTO stock (warehouse, item, on_hand) VALUES ('east', 'TEA-01', 1) ON CONFLICT (warehouse, item) DO UPDATE SET on_hand = (stock.on_hand + excluded.on_hand) RETURNING stock.on_hand

-- ActiveRecord
SELECT "users".* FROM "users" WHERE "users"."username" = 'alice' LIMIT 1

--$ alice;1
SELECT "users".* FROM "users" WHERE "users"."username" = $1 LIMIT $2

SELECT "users".* FROM "users" ORDER BY "users"."id" ASC LIMIT 1

SELECT 1 AS one FROM "users" WHERE "users"."username" = 'alice' AND "users"."id" != 2 LIMIT 1

SELECT COUNT(DISTINCT "users"."username") FROM "users" INNER JOIN "posts" ON "posts"."user_id" = "users"."id"

SELECT "users"."id" AS t0_r0, "users"."username" AS t0_r1, "users"."email" AS t0_r2, "users"."age" AS t0_r3, "posts"."id" AS t1_r0, "posts"."title" AS t1_r1 FROM "users" LEFT OUTER JOIN "posts" ON "posts"."user_id" = "users"."id" WHERE "users"."username" IN ('alice', 'bob') ORDER BY 1, 5

SELECT "orders"."status", COUNT(*) AS "count_all" FROM "orders" GROUP BY "orders"."status" ORDER BY 2, 1

SELECT COUNT(*) AS "count_all", "orders"."status" AS "orders_status" FROM "orders" GROUP BY "orders"."status" ORDER BY 2

SELECT "users"."username" FROM "users" WHERE "users"."age" BETWEEN 18 AND 30 ORDER BY "users"."username" ASC

SELECT "customers".* FROM "customers" WHERE (tags @> ARRAY['vip']::text[]) ORDER BY "customers"."full_name" DESC

--$ x;y@example.com
INSERT INTO "users" ("id", "username", "email") VALUES (nextval('code_seq'), $1, $2) RETURNING "id"

INSERT INTO "users" ("id","username") VALUES (20, 'ar1'), (1, 'ar2') ON CONFLICT ("id") DO UPDATE SET "username"=excluded."username" RETURNING "id"

INSERT INTO "users" ("id", "username") VALUES (20, 'ar') ON CONFLICT DO NOTHING RETURNING "id"

UPDATE "users" SET "username" = 'ar', "age" = COALESCE("age", 0) + 1 WHERE "users"."id" = 1

DELETE FROM "users" WHERE "users"."id" IN (SELECT "users"."id" FROM "users" WHERE "users"."username" = 'carol' ORDER BY "users"."id" ASC LIMIT 1)

SELECT "articles".*, similarity_rank.r FROM "articles", LATERAL (SELECT length("articles"."title") AS r) similarity_rank WHERE "articles"."published" = TRUE ORDER BY r DESC

-- Hibernate
select u1_0.id, u1_0.age, u1_0.email, u1_0.username from users u1_0 where u1_0.username='alice'

--$ al%
select u1_0.id,u1_0.username from users u1_0 where u1_0.username like $1 escape '' order by u1_0.username fetch first 10 rows only

select o1_0.id, o1_0.customer_id, c1_0.id, c1_0.full_name, o1_0.status from orders o1_0 left join customers c1_0 on c1_0.id=o1_0.customer_id where o1_0.id in (1,2) order by o1_0.id

select distinct c1_0.id, c1_0.full_name from customers c1_0 join orders o1_0 on c1_0.id=o1_0.customer_id where o1_0.status in ('paid','new') order by c1_0.id

select count(u1_0.id) from users u1_0 where exists(select 1 from posts p1_0 where p1_0.user_id=u1_0.id and p1_0.username=u1_0.username)

--$ 30;h@example.com;hib;20
insert into users (age, email, username, id) values ($1, $2, $3, $4)

--$ 30;h@example.com;hib;1
update users set age=$1, email=$2, username=$3 where id=$4

update employees e1_0 set name=cast('x' as varchar) where e1_0.id=1

select e1_0.id, m1_0.id, m1_0.name, e1_0.name from employees e1_0 left join employees m1_0 on m1_0.id=e1_0.manager_id order by e1_0.id

select j1_0.id, j1_0.queue from jobs j1_0 where j1_0.queue='mail' order by j1_0.id for no key update skip locked

-- Prisma
SELECT "public"."users"."id", "public"."users"."username", "public"."users"."email" FROM "public"."users" WHERE ("public"."users"."username" = 'alice' AND 1=1) LIMIT 1 OFFSET 0

SELECT "public"."users"."id", "public"."users"."username" FROM "public"."users" WHERE "public"."users"."username"::text ILIKE '%o%' ORDER BY "public"."users"."username" ASC OFFSET 0

SELECT COUNT(*) FROM (SELECT "public"."users"."id" FROM "public"."users" WHERE "public"."users"."username" IN ('alice','bob') OFFSET 0) AS "sub"

SELECT "t0"."id", "t0"."username", "t1"."__prisma_data__" AS "posts" FROM "public"."users" AS "t0" LEFT JOIN LATERAL (SELECT COALESCE(JSONB_AGG("__prisma_data__"), '[]') AS "__prisma_data__" FROM (SELECT "t3"."__prisma_data__" FROM (SELECT JSONB_BUILD_OBJECT('id', "t2"."id", 'title', "t2"."title") AS "__prisma_data__" FROM (SELECT "t1".* FROM "public"."posts" AS "t1" WHERE "t0"."id" = "t1"."user_id" ORDER BY "t1"."id") AS "t2") AS "t3") AS "t4") AS "t1" ON TRUE ORDER BY "t0"."id"

SELECT "t1"."id", "t1"."username" FROM (SELECT "t0".* FROM "public"."users" AS "t0" WHERE "t0"."age" = 30) AS "t1" ORDER BY 1

--$ 20;prisma
INSERT INTO "public"."users" ("id","username") VALUES ($1,$2) RETURNING "public"."users"."id", "public"."users"."username", "public"."users"."email", "public"."users"."age"

--$ x;1
UPDATE "public"."users" SET "username" = $1 WHERE ("public"."users"."id" = $2 AND 1=1) RETURNING "public"."users"."id", "public"."users"."username"

DELETE FROM "public"."users" WHERE ("public"."users"."username" = 'carol' AND 1=1)

INSERT INTO "public"."stock" ("warehouse","item","on_hand") VALUES ('east','TEA-01',7) ON CONFLICT ("warehouse","item") DO UPDATE SET "on_hand" = 7 WHERE ("public"."stock"."warehouse" = 'east' AND 1=1) RETURNING "public"."stock"."item", "public"."stock"."on_hand"

SELECT "aggr0"."status", COUNT(*) AS "_count" FROM (SELECT "public"."orders"."status" FROM "public"."orders" WHERE 1=1) AS "aggr0" GROUP BY "aggr0"."status" ORDER BY 1

-- TypeORM, Sequelize, Knex, Drizzle, GORM, Ecto
SELECT "user"."id" AS "user_id", "user"."username" AS "user_username" FROM "users" "user" WHERE "user"."username" = 'alice'

SELECT DISTINCT "distinctAlias"."user_id" AS "ids_user_id" FROM (SELECT "user"."id" AS "user_id", "user"."username" AS "user_username", "post"."id" AS "post_id" FROM "users" "user" LEFT JOIN "posts" "post" ON "post"."user_id"="user"."id") "distinctAlias" ORDER BY "user_id" ASC LIMIT 2

INSERT INTO "users"("id", "username", "email", "age") VALUES (20, 'typeorm', DEFAULT, DEFAULT) RETURNING "email", "age"

UPDATE "users" SET "username" = 'typeorm' WHERE "id" IN (1) RETURNING "username"

SELECT "User"."id", "User"."username", "Posts"."id" AS "Posts.id", "Posts"."title" AS "Posts.title" FROM "users" AS "User" LEFT OUTER JOIN "posts" AS "Posts" ON "User"."id" = "Posts"."user_id" ORDER BY 1, 3

SELECT count(*) AS "count" FROM "users" AS "User" WHERE "User"."username" LIKE 'a%'

select "username", "email" from "users" where "username" = 'alice' limit 1

insert into "users" ("id", "username") values (20, 'knex'), (21, 'knex2') returning "id"

select "t"."username" from (select "id", "username" from "users") as "t" where "t"."id" in (1, 2) order by "t"."id"

select "users"."id", "users"."username", (select count(*) from "posts" where "posts"."user_id" = "users"."id") as "post_count" from "users" order by "users"."id"

select "customers"."id", "customers"."full_name", coalesce(json_agg(json_build_array("customers_orders"."id", "customers_orders"."status") order by "customers_orders"."id") filter (where "customers_orders"."id" is not null), '[]'::json) as "orders" from "customers" left join "orders" "customers_orders" on "customers_orders"."customer_id" = "customers"."id" group by "customers"."id" order by 1

SELECT * FROM "users" WHERE "users"."username" = 'alice' AND "users"."email" IS NOT NULL ORDER BY "users"."id" LIMIT 1

SELECT "users"."id","users"."username","Posts__title" FROM "users" LEFT JOIN (SELECT "user_id","title" AS "Posts__title" FROM "posts") "Posts" ON "users"."id" = "Posts"."user_id" ORDER BY 1, 3

UPDATE "users" SET "username"='gorm',"age"=31 WHERE "id" = 1 AND "users"."username" = 'alice'

SELECT u0."id", u0."username", p1."title" FROM "users" AS u0 INNER JOIN "posts" AS p1 ON p1."user_id" = u0."id" WHERE (u0."username" = ANY('{alice,bob}')) ORDER BY p1."id"

UPDATE "users" AS u0 SET "username" = sub."n" FROM (SELECT su0."id" AS "id", su0."username" || '!' AS "n" FROM "users" AS su0) AS sub WHERE (sub."id" = u0."id") AND (u0."id" = 1) RETURNING u0."username"

DELETE FROM "users" AS u0 USING "posts" AS p1 WHERE (p1."user_id" = u0."id") AND (u0."username" = 'bob')

SELECT TRUE FROM "users" AS u0 WHERE (u0."username" = 'alice') LIMIT 1
