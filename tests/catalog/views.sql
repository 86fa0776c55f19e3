The views over the catalogs.

-- indexes
SELECT * FROM pg_indexes WHERE schemaname = 'public'
ORDER BY indexname;

-- use of indexes
SELECT relname, indexrelname FROM pg_stat_user_indexes
ORDER BY 1, 2;

-- input and output of indexes
SELECT s.relname, s.indexrelname FROM pg_catalog.pg_statio_all_indexes AS s WHERE schemaname = 'public'
ORDER BY 1, 2;

-- columns
SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
  character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision,
  collation_name, domain_name, udt_schema, udt_name, dtd_identifier, is_identity, is_generated, is_updatable
FROM information_schema.columns WHERE table_schema = 'public'
ORDER BY table_name, ordinal_position;

-- key column usage
SELECT * FROM information_schema.key_column_usage WHERE table_schema = 'public'
ORDER BY table_name, constraint_name, ordinal_position;

-- constraint column usage
SELECT * FROM information_schema.constraint_column_usage WHERE table_schema = 'public'
ORDER BY table_name, constraint_name, column_name;

-- table constraints
SELECT constraint_schema, constraint_name, table_name, constraint_type, is_deferrable, enforced
FROM information_schema.table_constraints WHERE table_schema = 'public'
ORDER BY table_name, constraint_type, constraint_name;

-- check constraints
SELECT constraint_schema, regexp_replace(constraint_name, '^\d+_\d+_', ''), check_clause FROM information_schema.check_constraints
WHERE constraint_schema = 'public'
ORDER BY 1, 2, 3;

-- referential constraints
SELECT * FROM information_schema.referential_constraints
ORDER BY constraint_name;

-- column privileges
SELECT * FROM information_schema.column_privileges WHERE table_schema = 'public'
ORDER BY table_name, column_name, grantee, privilege_type;

-- grants on columns
SELECT table_name, column_name, grantee, privilege_type FROM information_schema.role_column_grants WHERE table_schema = 'public'
ORDER BY 1, 2, 3, 4;

-- types of columns
SELECT table_name, column_name, udt_name FROM information_schema.column_udt_usage WHERE table_schema = 'public'
ORDER BY 1, 2;

-- three views in one join
SELECT tc.table_name, kcu.column_name, ccu.table_name AS foreign_table, ccu.column_name AS foreign_column, tc.constraint_name
FROM information_schema.table_constraints AS tc
JOIN information_schema.key_column_usage AS kcu USING (constraint_schema, constraint_name)
JOIN information_schema.constraint_column_usage AS ccu USING (constraint_schema, constraint_name)
WHERE tc.constraint_type = 'FOREIGN KEY'
ORDER BY tc.table_name, kcu.column_name;

-- any schema's tables (same)
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'public'
ORDER BY 2;
