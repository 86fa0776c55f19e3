-- JSON

SELECT profile -> 'lang', profile ->> 'lang', profile #> '{n,0}', profile #>> '{n,0}' FROM users WHERE username <> ''

SELECT username FROM users WHERE profile @> '{"lang": "en"}' OR '{"a": 1}' <@ profile

SELECT username FROM users WHERE profile ? 'lang' AND profile ?| ARRAY['a', 'lang'] AND profile ?& ARRAY['lang']

SELECT username, profile - 'lang', profile - 0, profile #- '{n,0}', profile || '{"x": 1}' FROM users WHERE jsonb_typeof(profile) = 'array'

SELECT username, profile || '{"x": 1}', profile #- '{n,0}', profile - '{lang}'::text[] FROM users

SELECT username FROM users WHERE profile @? '$.n[*] ? (@ > 1)' AND profile @@ '$.n[0] == 1'

SELECT profile['lang'], profile['n'][0], profile['la' || 'ng'] FROM users WHERE username = 'alice'

SELECT u.username, n FROM users u, jsonb_array_elements(u.profile -> 'n') AS n

SELECT u.username, k, v FROM users u, jsonb_each(u.profile) AS e(k, v)

SELECT u.username, r.* FROM users u, jsonb_to_record(u.profile) AS r(lang text, n jsonb)

SELECT u.username, r.a FROM users u CROSS JOIN LATERAL jsonb_to_recordset('[{"a": 1}]') AS r(a int, b text)

SELECT json_build_object('name', username, 'age', age), jsonb_build_array(username, email) FROM users

SELECT json_object_agg(username, age ORDER BY username), jsonb_object_agg(username, age) FROM users

SELECT jsonb_path_query(profile, '$.n[*]'), jsonb_path_exists(profile, '$.lang'), username FROM users

SELECT jsonb_set(profile, '{lang}', to_jsonb(username)) FROM users

SELECT profile->'n'->0, profile->>'lang'||username, (profile->>'lang')::text = 'en' FROM users

SELECT (profile->'n')->>0 AS first FROM users ORDER BY (profile->>'lang') NULLS FIRST, username

SELECT count(*) FILTER (WHERE profile->>'lang' = 'en'), min(profile->>'lang') FROM users WHERE username IS NOT NULL

SELECT jsonb_pretty(jsonb_build_object('u', username)) FROM users

SELECT jsonb_object_keys(profile), username FROM users
