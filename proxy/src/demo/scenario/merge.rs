//! What users have set for mail and what for notifications becomes one table, and the application goes on
//! with two.

mod calls;
mod statements;

use super::{Script, Words};
use crate::demo::application::{Act, Ask, Behaviour, Cell, Record, flag_text};
use calls::{
    add_email, add_notification, arrive, ensure_email, follow, forget_email, forget_notification,
    leave, read_both, read_email, read_email_star, read_notification, read_notification_star,
    read_row, read_sorted, read_without, set_email, set_notification, sign_up, upsert_email,
    upsert_notification,
};
use statements as say;

const NAME: usize = 0;
const NEWSLETTER: usize = 1;
const MARKETING: usize = 2;
const DIGEST: usize = 3;
const EMAIL_CHANGES: usize = 4;
const PUSH_ENABLED: usize = 5;
const SMS_ENABLED: usize = 6;
const IN_APP: usize = 7;
const NOTIFICATION_CHANGES: usize = 8;

/// A row of the one table; without one, all of these are NULL.
const EMAIL: [usize; 4] = [NEWSLETTER, MARKETING, DIGEST, EMAIL_CHANGES];

/// A row of the other.
const NOTIFICATION: [usize; 4] = [PUSH_ENABLED, SMS_ENABLED, IN_APP, NOTIFICATION_CHANGES];

pub(super) static SCRIPT: Script = Script {
    words: Words {
        task: "merge email_preferences and notification_preferences into user_preferences",
        from: &["email_preferences", "notification_preferences"],
        to: &["user_preferences"],
        end: "both old tables are gone, the application still finds them there",
    },
    migration: "merge-preferences",
    // Both tables count their changes, under the same name.
    rule: "\
        kind = \"merge-tables\"\n\
        into = \"user_preferences\"\n\
        key  = \"user_id\"\n\
        \n\
        [[migration.source]]\n\
        table   = \"email_preferences\"\n\
        present = \"has_email_preferences\"\n\
        constraints = { email_preferences_pkey = \"user_preferences_pkey\" }\n\
        [migration.source.columns]\n\
        newsletter = \"newsletter\"\n\
        marketing  = \"marketing\"\n\
        digest     = \"digest\"\n\
        changes    = \"email_changes\"\n\
        \n\
        [[migration.source]]\n\
        table   = \"notification_preferences\"\n\
        present = \"has_notification_preferences\"\n\
        constraints = { notification_preferences_pkey = \"user_preferences_pkey\" }\n\
        [migration.source.columns]\n\
        push_enabled = \"push_enabled\"\n\
        sms_enabled  = \"sms_enabled\"\n\
        in_app       = \"in_app\"\n\
        changes      = \"notification_changes\"\n",
    create: "\
        CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL UNIQUE); \
        CREATE TABLE email_preferences (\
          user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, \
          newsletter boolean NOT NULL DEFAULT true, \
          marketing boolean DEFAULT false, \
          digest text DEFAULT 'weekly', \
          changes integer NOT NULL DEFAULT 0); \
        CREATE TABLE notification_preferences (\
          user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, \
          push_enabled boolean NOT NULL DEFAULT true, \
          sms_enabled boolean DEFAULT false, \
          in_app boolean DEFAULT true, \
          changes integer NOT NULL DEFAULT 0); \
        ALTER TABLE users OWNER TO app; \
        ALTER TABLE email_preferences OWNER TO app; \
        ALTER TABLE notification_preferences OWNER TO app; \
        GRANT SELECT, INSERT, UPDATE, DELETE ON email_preferences, notification_preferences TO segue",
    // Some users have rows in both tables, some in one, some in none.
    fill: &[
        "INSERT INTO users (id, name) SELECT g, 'User ' || g FROM generate_series(1, $1::bigint) g",
        "INSERT INTO email_preferences (user_id, newsletter, marketing, digest) \
         SELECT g, g % 2 = 0, CASE WHEN g % 3 <> 0 THEN g % 4 = 0 END, \
                CASE WHEN g % 7 <> 0 THEN 'weekly for ' || g END \
         FROM generate_series(1, $1::bigint) g WHERE g % 5 <> 0",
        "INSERT INTO notification_preferences (user_id, push_enabled, sms_enabled, in_app) \
         SELECT g, g % 3 = 0, g % 2 = 0, CASE WHEN g % 5 <> 0 THEN g % 7 = 0 END \
         FROM generate_series(1, $1::bigint) g WHERE g % 4 <> 0",
    ],
    contract: "DROP TABLE email_preferences, notification_preferences",
    application: Behaviour {
        filled,
        whole_row: &say::READ_ROW,
        acts: &[
            (18, Act { statement: &say::READ_EMAIL, ask: Ask::Of(read_email) }),
            (16, Act { statement: &say::READ_NOTIFICATION, ask: Ask::Of(read_notification) }),
            (8, Act { statement: &say::READ_EMAIL_STAR, ask: Ask::Of(read_email_star) }),
            (
                8,
                Act {
                    statement: &say::READ_NOTIFICATION_STAR,
                    ask: Ask::Of(read_notification_star),
                },
            ),
            (10, Act { statement: &say::READ_ROW, ask: Ask::Of(read_row) }),
            (8, Act { statement: &say::READ_BOTH, ask: Ask::Of(read_both) }),
            (4, Act { statement: &say::READ_SORTED, ask: Ask::Of(read_sorted) }),
            (4, Act { statement: &say::READ_WITHOUT, ask: Ask::Of(read_without) }),
            (3, Act { statement: &say::SIGN_UP, ask: Ask::New(sign_up) }),
            (2, Act { statement: &say::ARRIVE, ask: Ask::New(arrive) }),
            (3, Act { statement: &say::ADD_EMAIL, ask: Ask::Of(add_email) }),
            (3, Act { statement: &say::ADD_NOTIFICATION, ask: Ask::Of(add_notification) }),
            (7, Act { statement: &say::UPSERT_EMAIL, ask: Ask::Of(upsert_email) }),
            (7, Act { statement: &say::UPSERT_NOTIFICATION, ask: Ask::Of(upsert_notification) }),
            (2, Act { statement: &say::ENSURE_EMAIL, ask: Ask::Of(ensure_email) }),
            (5, Act { statement: &say::SET_EMAIL, ask: Ask::Of(set_email) }),
            (5, Act { statement: &say::SET_NOTIFICATION, ask: Ask::Of(set_notification) }),
            (3, Act { statement: &say::FOLLOW, ask: Ask::Of(follow) }),
            (3, Act { statement: &say::FORGET_EMAIL, ask: Ask::Of(forget_email) }),
            (3, Act { statement: &say::FORGET_NOTIFICATION, ask: Ask::Of(forget_notification) }),
            (2, Act { statement: &say::LEAVE, ask: Ask::Of(leave) }),
        ],
        transaction: &[
            Act { statement: &say::LOCK, ask: Ask::Of(read_email_star) },
            Act { statement: &say::SET_EMAIL, ask: Ask::Of(set_email) },
            Act { statement: &say::UPSERT_NOTIFICATION, ask: Ask::Of(upsert_notification) },
            Act { statement: &say::READ_ROW, ask: Ask::Of(read_row) },
        ],
    },
    old_rows: "\
        SELECT coalesce(u.id, e.user_id, n.user_id), u.name, \
               left(e.newsletter::text, 1), left(e.marketing::text, 1), e.digest, e.changes::text, \
               left(n.push_enabled::text, 1), left(n.sms_enabled::text, 1), left(n.in_app::text, 1), \
               n.changes::text \
        FROM users u \
             FULL JOIN email_preferences e ON e.user_id = u.id \
             FULL JOIN notification_preferences n ON n.user_id = u.id",
    // A part that is not there must be as by default; where it is not, it shows.
    new_rows: "\
        SELECT coalesce(u.id, p.user_id), u.name, \
               left(e.newsletter::text, 1), left(e.marketing::text, 1), e.digest, \
               CASE e.has_email_preferences \
                 WHEN true THEN e.email_changes::text WHEN false THEN 'left behind' END, \
               left(n.push_enabled::text, 1), left(n.sms_enabled::text, 1), left(n.in_app::text, 1), \
               CASE n.has_notification_preferences \
                 WHEN true THEN n.notification_changes::text WHEN false THEN 'left behind' END \
        FROM users u \
             FULL JOIN user_preferences p ON p.user_id = u.id \
             LEFT JOIN user_preferences e ON e.user_id = p.user_id \
                 AND (e.has_email_preferences \
                      OR (e.newsletter, e.marketing, e.digest, e.email_changes) \
                         IS DISTINCT FROM (true, false, 'weekly', 0)) \
             LEFT JOIN user_preferences n ON n.user_id = p.user_id \
                 AND (n.has_notification_preferences \
                      OR (n.push_enabled, n.sms_enabled, n.in_app, n.notification_changes) \
                         IS DISTINCT FROM (true, false, true, 0))",
};

/// What `fill` stores.
fn filled(id: i64) -> Record {
    let one_in = |times: i64| id % times == 0;
    let flag = |flag: bool| -> Cell { Some(flag_text(flag).to_owned()) };
    let unchanged = || -> Cell { Some("0".to_owned()) };
    let email = match one_in(5) {
        true => [None, None, None, None],
        false => [
            flag(one_in(2)),
            (!one_in(3)).then(|| flag(one_in(4))).flatten(),
            (!one_in(7)).then(|| format!("weekly for {id}")),
            unchanged(),
        ],
    };
    let notification = match one_in(4) {
        true => [None, None, None, None],
        false => [
            flag(one_in(3)),
            flag(one_in(2)),
            (!one_in(5)).then(|| flag(one_in(7))).flatten(),
            unchanged(),
        ],
    };
    let name = Some(format!("User {id}"));
    Record::new(std::iter::once(name).chain(email).chain(notification).collect::<Vec<_>>())
}
