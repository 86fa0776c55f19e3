-- Patterns and strings

SELECT id FROM users WHERE username LIKE 'a%'

SELECT id FROM users WHERE username NOT LIKE 'a%'

SELECT id FROM users WHERE username LIKE 'a!%' ESCAPE '!'

SELECT id FROM users WHERE username NOT LIKE 'a!%' ESCAPE '!'

SELECT id FROM users WHERE username ILIKE 'A%'

SELECT id FROM users WHERE username NOT ILIKE 'A_' ESCAPE ''

SELECT id FROM users WHERE username SIMILAR TO '(a|b)%'

SELECT id FROM users WHERE username NOT SIMILAR TO '(a|b)%' ESCAPE '#'

SELECT id FROM users WHERE username ~ '^a' AND username !~ 'z$'

SELECT id FROM users WHERE username ~* '^A' AND username !~* 'Z$'

SELECT id FROM users WHERE username ~~ 'a%' AND username !~~ 'b%' AND username ~~* 'A%' AND username !~~* 'B%'

SELECT id FROM users WHERE username ^@ 'al'

SELECT id FROM users WHERE starts_with(username, 'al')

SELECT username || '@' || email FROM users

SELECT username||email||1 FROM users

SELECT id FROM users WHERE username LIKE email || '%' OR email LIKE username || '%'

SELECT id FROM users WHERE email LIKE lower(username) || '@%' ESCAPE '!' AND active

SELECT substring(username FROM 2 FOR 3) FROM users

SELECT substring(username FROM 2) FROM users

SELECT substring(username FOR 2) FROM users

SELECT substring(username FOR 2 FROM 1) FROM users

SELECT substring(username FROM '^.') FROM users

SELECT substring(username FROM '%#"l_#"%' FOR '#') FROM users

SELECT substring(username SIMILAR '%#"l_#"%' ESCAPE '#') FROM users

SELECT substring(username, 2, 3), substring(username, 2), substr(username, 1) FROM users

SELECT overlay(username PLACING 'xx' FROM 2 FOR 1) FROM users

SELECT overlay(username PLACING 'xx' FROM 2) FROM users

SELECT overlay(username, 'xx', 2, 1) FROM users

SELECT position('l' IN username), position(username IN email) FROM users

SELECT trim(username), trim(BOTH 'a' FROM username), trim(LEADING FROM username), trim(TRAILING 'e' FROM username) FROM users

SELECT trim(FROM username), trim(BOTH FROM username), trim('a' FROM username), trim(username, 'a'), trim(BOTH username, 'a') FROM users

SELECT btrim(username), ltrim(username, 'a'), rtrim(username, 'e') FROM users

SELECT normalize(username), normalize(username, NFKC) FROM users

SELECT collation for (username) FROM users

SELECT char_length(username), octet_length(username), bit_length(username), upper(username), initcap(username) FROM users

SELECT format('%s <%s>', username, email) FROM users

SELECT concat_ws(', ', VARIADIC ARRAY[username, email]) FROM users

SELECT format('%s %s', VARIADIC ARRAY[username, email]) FROM users

SELECT left(username, 2), right(username, 2), reverse(username), repeat(username, 2) FROM users

SELECT regexp_replace(username, '[aeiou]', '', 'g'), split_part(email, '@', 2), translate(username, 'abc', 'xyz') FROM users

SELECT to_tsvector('simple', username) @@ to_tsquery('simple', 'alice') FROM users

SELECT username FROM users WHERE username > 'a' COLLATE "C" ORDER BY username COLLATE "C" DESC

SELECT quote_literal(username), quote_ident(username), md5(username), ascii(username) FROM users

SELECT string_to_array(username, 'l'), array_to_string(tags, ',', '*') FROM users
