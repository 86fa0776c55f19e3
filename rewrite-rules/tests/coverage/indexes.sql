-- Indexes over expressions and with conditions, which the runner without a server need not know.
CREATE UNIQUE INDEX users_lower_username ON users (lower(username));
CREATE UNIQUE INDEX users_active_username ON users (username) WHERE active;
