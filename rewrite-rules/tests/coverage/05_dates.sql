-- Dates, times and intervals

SELECT username, extract(year FROM born) FROM users

SELECT username, extract(epoch FROM seen), extract('month' FROM seen), extract(dow FROM seen), EXTRACT(timezone_hour FROM seen) FROM users

SELECT username, extract(quarter FROM (SELECT max(published) FROM posts)) FROM users

SELECT username FROM users WHERE extract(year FROM born) IS DISTINCT FROM 1994

SELECT username, date_part('year', born), date_trunc('day', seen), age(seen, born) FROM users

SELECT username, seen AT TIME ZONE 'UTC' FROM users

SELECT username, seen AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' FROM users

SELECT username, timezone('UTC', seen), (seen AT TIME ZONE interval '1 hour')::date FROM users

SELECT username, interval '1 day', interval '1' day, interval '1' year, interval '1-2' year to month FROM users

SELECT username, interval '1 2:03' day to minute, interval '1 2:03:04' day to second, interval '2:03' hour to minute FROM users

SELECT username, interval '1.5' second(1), interval '1 2:03:04.5' day to second (0), interval(3) '1.2345 s' FROM users

SELECT username, '1 day'::interval, '1 day'::interval day to second(2), CAST('1 month' AS interval month), CAST('1 s' AS interval(2)) FROM users

SELECT username, seen + interval '1' day * age, born - 1, seen - seen FROM users

SELECT username FROM users WHERE seen > now() - interval '100 years' AND born < current_date AND seen < current_timestamp

SELECT username, localtime IS NULL, localtimestamp IS NULL, current_time IS NULL, current_timestamp(0) IS NULL, localtime(1) IS NULL, localtimestamp(2) IS NULL FROM users

SELECT username, make_date(2024, 1, age - 20), make_interval(days => age), make_interval(0, 0, 0, days := 2) FROM users

SELECT username, justify_hours(interval '27 hours'), isfinite(seen), to_char(seen, 'YYYY') FROM users

SELECT u.username, d::date FROM users u, generate_series(timestamp '2024-01-01', '2024-01-03', interval '1 day') AS d

SELECT username, (born, interval '1' year) OVERLAPS (born, born) FROM users
