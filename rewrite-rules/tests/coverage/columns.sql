-- What the migrations add.
ALTER TABLE users ADD COLUMN handle text;
ALTER TABLE users ADD COLUMN badges text[];
ALTER TABLE users ADD COLUMN residence address;
CREATE UNIQUE INDEX users_handle_key ON users (handle);
CREATE UNIQUE INDEX users_lower_handle ON users (lower(handle));
CREATE UNIQUE INDEX users_active_handle ON users (handle) WHERE active;
ALTER TABLE posts ADD COLUMN headline text;
ALTER TABLE orders ADD COLUMN remark text;
