//! What each statement does to what a user has set, and what it must answer.

use super::{
    DIGEST, EMAIL, EMAIL_CHANGES, IN_APP, MARKETING, NAME, NEWSLETTER, NOTIFICATION,
    NOTIFICATION_CHANGES, PUSH_ENABLED, SMS_ENABLED,
};
use crate::demo::application::{Call, Cell, Expected, Record, Refusal, Turn, Value, flag_text};

/// Whether the table with these cells has a row of the user.
fn has(record: &Record, table: [usize; 4]) -> bool {
    let [_, _, _, changes] = table;
    record.cell(changes).is_some()
}

/// This row, if the table with these cells has one.
fn row_of(record: &Record, table: [usize; 4], row: Vec<Cell>) -> Expected {
    Expected::Rows(has(record, table).then_some(row).into_iter().collect())
}

/// One row written, if there is one.
fn count_of(there: bool) -> Expected {
    Expected::Count(u64::from(there))
}

fn flag(record: &Record, place: usize) -> Option<bool> {
    record.cell(place).map(|cell| cell == flag_text(true))
}

fn set_flag(record: &mut Record, place: usize, flag: Option<bool>) {
    match flag {
        Some(flag) => record.set(place, flag_text(flag)),
        None => record.clear(place),
    }
}

pub(super) fn read_email(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let row = record.cells(&[NEWSLETTER, MARKETING, DIGEST]);
    Call { values: vec![Value::Number(id)], expected: row_of(&record, EMAIL, row) }
}

pub(super) fn read_notification(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let loud = match (flag(&record, PUSH_ENABLED), flag(&record, SMS_ENABLED)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        (None, _) | (_, None) => None,
    };
    let loud = loud.map(|loud| flag_text(loud).to_owned());
    let row = vec![loud, record.cell(IN_APP), record.cell(NOTIFICATION_CHANGES)];
    Call { values: vec![Value::Number(id)], expected: row_of(&record, NOTIFICATION, row) }
}

pub(super) fn read_email_star(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let row = record.with_id(id, &EMAIL);
    Call { values: vec![Value::Number(id)], expected: row_of(&record, EMAIL, row) }
}

pub(super) fn read_notification_star(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let row = record.with_id(id, &NOTIFICATION);
    Call { values: vec![Value::Number(id)], expected: row_of(&record, NOTIFICATION, row) }
}

pub(super) fn read_row(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    Call { values: vec![Value::Number(id)], expected: Expected::row(record.whole(id)) }
}

pub(super) fn read_both(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let row = record.with_id(id, &[EMAIL, NOTIFICATION].concat());
    let both = has(&record, EMAIL) && has(&record, NOTIFICATION);
    let expected = Expected::Rows(both.then_some(row).into_iter().collect());
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn read_sorted(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let (ids, records) = turn.three(id, record);
    let rows = records.iter().filter(|record| has(record, EMAIL));
    let mut rows: Vec<_> =
        rows.map(|record| record.cells(&[NAME, DIGEST, NOTIFICATION_CHANGES])).collect();
    // The demo's database sorts by bytes.
    rows.sort_unstable_by(|a, b| b.cmp(a));
    Call { values: ids.map(Value::Number).to_vec(), expected: Expected::Rows(rows) }
}

pub(super) fn read_without(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let name = (!has(&record, EMAIL)).then(|| record.cells(&[NAME]));
    Call { values: vec![Value::Number(id)], expected: Expected::Rows(name.into_iter().collect()) }
}

/// A user who has set nothing.
fn user(name: String) -> Record {
    let nothing = [EMAIL, NOTIFICATION].concat().into_iter().map(|_| None);
    Record::new(std::iter::once(Some(name)).chain(nothing).collect::<Vec<_>>())
}

/// Adds a row for mail, the rest of it by default.
fn with_email(record: &mut Record, newsletter: bool, digest: &str) {
    set_flag(record, NEWSLETTER, Some(newsletter));
    set_flag(record, MARKETING, Some(false));
    record.set(DIGEST, digest);
    record.set(EMAIL_CHANGES, 0);
}

/// Adds one for notifications, which is by default as [`BY_DEFAULT`] says.
fn with_notification(record: &mut Record, [push_enabled, sms_enabled, in_app]: [bool; 3]) {
    set_flag(record, PUSH_ENABLED, Some(push_enabled));
    set_flag(record, SMS_ENABLED, Some(sms_enabled));
    set_flag(record, IN_APP, Some(in_app));
    record.set(NOTIFICATION_CHANGES, 0);
}

/// Of `push_enabled`, `sms_enabled`, `in_app`.
const BY_DEFAULT: [bool; 3] = [true, false, true];

pub(super) fn sign_up(turn: &mut Turn<'_>) -> Call {
    let (id, name) = (turn.fresh_id(), turn.fresh_name());
    turn.write(id, Some(user(name.clone())));
    Call { values: vec![Value::Number(id), Value::Text(name)], expected: Expected::Count(1) }
}

pub(super) fn arrive(turn: &mut Turn<'_>) -> Call {
    let (id, name) = (turn.fresh_id(), turn.fresh_name());
    let digest = format!("monthly for {name}");
    let mut record = user(name);
    with_email(&mut record, true, &digest);
    let values = vec![Value::Number(id), record.value(NAME), Value::Text(digest)];
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

pub(super) fn add_email(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let (newsletter, digest) = (turn.one_in(2), turn.fresh_name());
    let expected = match has(&record, EMAIL) {
        true => Expected::Refused(Refusal::taken("email_preferences", "user_id", id)),
        false => {
            with_email(&mut record, newsletter, &digest);
            turn.write(id, Some(record));
            Expected::Count(1)
        }
    };
    let values = vec![Value::Number(id), Value::Flag(newsletter), Value::Text(digest)];
    Call { values, expected }
}

pub(super) fn add_notification(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let sms_enabled = turn.one_in(2);
    let expected = match has(&record, NOTIFICATION) {
        true => Expected::Refused(Refusal::taken("notification_preferences", "user_id", id)),
        false => {
            let [push_enabled, _, in_app] = BY_DEFAULT;
            with_notification(&mut record, [push_enabled, sms_enabled, in_app]);
            let answered = [PUSH_ENABLED, SMS_ENABLED, NOTIFICATION_CHANGES];
            let row = Expected::row(record.with_id(id, &answered));
            turn.write(id, Some(record));
            row
        }
    };
    Call { values: vec![Value::Number(id), Value::Flag(sms_enabled)], expected }
}

pub(super) fn upsert_email(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let (newsletter, digest) = (turn.one_in(2), turn.fresh_name());
    match has(&record, EMAIL) {
        true => {
            set_flag(&mut record, NEWSLETTER, Some(newsletter));
            record.set(DIGEST, &digest);
            record.count_up(EMAIL_CHANGES);
        }
        false => with_email(&mut record, newsletter, &digest),
    }
    turn.write(id, Some(record));
    let values = vec![Value::Number(id), Value::Flag(newsletter), Value::Text(digest)];
    Call { values, expected: Expected::Count(1) }
}

pub(super) fn upsert_notification(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let (push_enabled, in_app) = (turn.one_in(2), turn.one_in(2));
    match has(&record, NOTIFICATION) {
        true => {
            let was = flag(&record, PUSH_ENABLED);
            set_flag(&mut record, IN_APP, was);
            set_flag(&mut record, PUSH_ENABLED, Some(push_enabled));
            record.count_up(NOTIFICATION_CHANGES);
        }
        false => {
            let [_, sms_enabled, _] = BY_DEFAULT;
            with_notification(&mut record, [push_enabled, sms_enabled, in_app]);
        }
    }
    let expected = Expected::row(record.with_id(id, &NOTIFICATION));
    turn.write(id, Some(record));
    let values = vec![Value::Number(id), Value::Flag(push_enabled), Value::Flag(in_app)];
    Call { values, expected }
}

pub(super) fn ensure_email(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let expected = count_of(!has(&record, EMAIL));
    if !has(&record, EMAIL) {
        with_email(&mut record, true, "weekly");
        turn.write(id, Some(record));
    }
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn set_email(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let name = turn.fresh_name();
    let expected = count_of(has(&record, EMAIL));
    if has(&record, EMAIL) {
        let (newsletter, marketing) = (flag(&record, NEWSLETTER), flag(&record, MARKETING));
        set_flag(&mut record, MARKETING, newsletter.map(|flag| !flag));
        set_flag(&mut record, NEWSLETTER, marketing.or(newsletter));
        let kept = record.cell(DIGEST).map_or_else(|| "never".to_owned(), |it| right(&it, 12));
        record.set(DIGEST, format!("{kept}{name}"));
        record.count_up(EMAIL_CHANGES);
        turn.write(id, Some(record));
    }
    Call { values: vec![Value::Number(id), Value::Text(name)], expected }
}

/// The last letters.
fn right(text: &str, letters: usize) -> String {
    text.chars().skip(text.chars().count().saturating_sub(letters)).collect()
}

pub(super) fn set_notification(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let new = turn.one_in(2);
    let values = vec![Value::Number(id), Value::Flag(new)];
    if !has(&record, NOTIFICATION) {
        return Call { values, expected: Expected::Rows(Vec::new()) };
    }
    let (push_enabled, in_app) = (flag(&record, PUSH_ENABLED), flag(&record, IN_APP));
    set_flag(&mut record, SMS_ENABLED, in_app.filter(|_| in_app != push_enabled));
    set_flag(&mut record, IN_APP, push_enabled);
    set_flag(&mut record, PUSH_ENABLED, Some(new));
    record.count_up(NOTIFICATION_CHANGES);
    let answered = [SMS_ENABLED, IN_APP, NOTIFICATION_CHANGES];
    let expected = Expected::row(record.with_id(id, &answered));
    turn.write(id, Some(record));
    Call { values, expected }
}

pub(super) fn follow(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let both = has(&record, EMAIL) && has(&record, NOTIFICATION);
    if both {
        let push_enabled = flag(&record, PUSH_ENABLED);
        set_flag(&mut record, MARKETING, push_enabled);
        record.set(DIGEST, format!("as of change {}", record.text(NOTIFICATION_CHANGES)));
        record.count_up(EMAIL_CHANGES);
        turn.write(id, Some(record));
    }
    Call { values: vec![Value::Number(id)], expected: count_of(both) }
}

pub(super) fn forget_email(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let expected = count_of(has(&record, EMAIL));
    EMAIL.into_iter().for_each(|place| record.clear(place));
    turn.write(id, Some(record));
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn forget_notification(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let row = record.cells(&[PUSH_ENABLED, SMS_ENABLED, NOTIFICATION_CHANGES]);
    let expected = row_of(&record, NOTIFICATION, row);
    NOTIFICATION.into_iter().for_each(|place| record.clear(place));
    turn.write(id, Some(record));
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn leave(turn: &mut Turn<'_>, id: i64, _record: Record) -> Call {
    turn.write(id, None);
    Call { values: vec![Value::Number(id)], expected: Expected::Count(1) }
}
