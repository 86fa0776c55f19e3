//! What each statement does to a row, and what it must answer.

use super::{
    AVATAR_URL, BIO, EMAIL, FIRST_NAME, LAST_NAME, LOGINS, NO_SETTINGS, PASSWORD_HASH, SETTINGS,
    settings,
};
use crate::demo::application::{Call, Cell, Expected, Json, Record, Turn, Value};

/// One upsert in this many meets no row and inserts one.
const UPSERT_INSERTS_ONE_IN: u64 = 3;

pub(super) fn read_kept(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let expected = Expected::row(record.with_id(id, &[EMAIL, LOGINS]));
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn read_moved(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let expected = Expected::row(record.cells(&[FIRST_NAME, LAST_NAME, SETTINGS]));
    Call { values: vec![Value::Number(id)], expected }
}

pub(super) fn read_row(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    Call { values: vec![Value::Number(id)], expected: Expected::row(record.whole(id)) }
}

pub(super) fn read_by_email(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let names = record.cells(&[FIRST_NAME, LAST_NAME]);
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let row = [Some(id.to_string()), Some(name), theme(&record), record.cell(LOGINS)];
    Call { values: vec![record.value(EMAIL)], expected: Expected::row(row) }
}

pub(super) fn read_by_last_name(_turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let expected = Expected::row(record.with_id(id, &[EMAIL, BIO]));
    Call { values: vec![record.value(LAST_NAME)], expected }
}

pub(super) fn read_sorted(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let (ids, records) = turn.three(id, record);
    let mut rows: Vec<_> = records.iter().map(|record| record.cells(&[LAST_NAME, EMAIL])).collect();
    // The demo's database sorts by bytes.
    rows.sort_unstable_by(|a, b| b.cmp(a));
    Call { values: ids.map(Value::Number).to_vec(), expected: Expected::Rows(rows) }
}

/// The one setting that there is.
fn theme(record: &Record) -> Cell {
    let settings: serde_json::Value = serde_json::from_str(record.text(SETTINGS)).ok()?;
    Some(settings.get("theme")?.as_str()?.to_owned())
}

/// A row that nobody has described yet.
fn made(id: i64, last_name: String) -> Record {
    Record::new([
        Some(format!("{id}@new.example.com")),
        Some(format!("hash of {last_name}")),
        None,
        Some(last_name),
        None,
        None,
        Some(NO_SETTINGS.to_owned()),
        Some("0".to_owned()),
    ])
}

pub(super) fn insert(turn: &mut Turn<'_>) -> Call {
    let id = turn.fresh_id();
    let mut record = made(id, turn.fresh_name());
    record.set(FIRST_NAME, format!("New{id}"));
    let mut values = vec![Value::Number(id)];
    values.extend([EMAIL, PASSWORD_HASH, FIRST_NAME, LAST_NAME].map(|place| record.value(place)));
    turn.write(id, Some(record));
    Call { values, expected: Expected::Count(1) }
}

pub(super) fn insert_returning(turn: &mut Turn<'_>) -> Call {
    let id = turn.fresh_id();
    let mut record = made(id, turn.fresh_name());
    record.set(BIO, format!("new as {id}"));
    record.set(SETTINGS, settings("light"));
    let mut values = vec![Value::Number(id)];
    values.extend([EMAIL, PASSWORD_HASH, LAST_NAME, BIO].map(|place| record.value(place)));
    values.push(Value::Json(Json(record.text(SETTINGS).to_owned())));
    let expected = Expected::row(record.with_id(id, &[LAST_NAME, SETTINGS, LOGINS]));
    turn.write(id, Some(record));
    Call { values, expected }
}

pub(super) fn log_in(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let name = turn.fresh_name();
    let letters = record.text(PASSWORD_HASH).chars();
    let skipped = letters.clone().count().saturating_sub(12);
    let kept: String = letters.skip(skipped).collect();
    record.set(PASSWORD_HASH, format!("{kept}{name}"));
    record.count_up(LOGINS);
    turn.write(id, Some(record));
    Call { values: vec![Value::Number(id), Value::Text(name)], expected: Expected::Count(1) }
}

pub(super) fn describe(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let (what, theme) = (turn.fresh_name(), turn.fresh_name());
    let who = record.cell(FIRST_NAME).unwrap_or_else(|| "somebody".to_owned());
    record.set(BIO, format!("{who} {what}"));
    record.set(SETTINGS, settings(&theme));
    turn.write(id, Some(record));
    let values = vec![Value::Number(id), Value::Text(what), Value::Text(theme)];
    Call { values, expected: Expected::Count(1) }
}

pub(super) fn move_house(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    let (email, last_name) = (format!("{}@example.com", turn.fresh_name()), turn.fresh_name());
    let was = record.value(EMAIL);
    record.set(AVATAR_URL, format!("https://img.example.com/{}", record.text(EMAIL)));
    record.set(PASSWORD_HASH, format!("hash of {}", record.text(LAST_NAME)));
    record.set(EMAIL, email);
    record.set(LAST_NAME, last_name);
    record.count_up(LOGINS);
    let values = vec![was, record.value(EMAIL), record.value(LAST_NAME)];
    let answered = [EMAIL, LAST_NAME, AVATAR_URL, PASSWORD_HASH];
    let expected = Expected::row(record.with_id(id, &answered));
    turn.write(id, Some(record));
    Call { values, expected }
}

pub(super) fn reset(turn: &mut Turn<'_>, id: i64, mut record: Record) -> Call {
    record.set(LOGINS, 0);
    let values = vec![record.value(LAST_NAME)];
    let expected = Expected::row(record.cells(&[LOGINS, BIO]));
    turn.write(id, Some(record));
    Call { values, expected }
}

pub(super) fn upsert(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let (id, record, hash) = match turn.one_in(UPSERT_INSERTS_ONE_IN) {
        true => {
            let id = turn.fresh_id();
            let record = made(id, turn.fresh_name());
            let hash = record.text(PASSWORD_HASH).to_owned();
            (id, record, hash)
        }
        false => {
            let mut record = record;
            let hash = format!("hash of {}", turn.fresh_name());
            record.set(PASSWORD_HASH, &hash);
            record.count_up(LOGINS);
            (id, record, hash)
        }
    };
    let (email, last_name) = (record.value(EMAIL), record.value(LAST_NAME));
    turn.write(id, Some(record));
    let values = vec![Value::Number(id), email, Value::Text(hash), last_name];
    Call { values, expected: Expected::Count(1) }
}

pub(super) fn upsert_profile(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    let inserts = turn.one_in(UPSERT_INSERTS_ONE_IN);
    let last_name = turn.fresh_name();
    let bio = format!("now {last_name}");
    let (id, mut record) = match inserts {
        true => {
            let id = turn.fresh_id();
            (id, made(id, last_name.clone()))
        }
        false => (id, record),
    };
    let mut values = vec![Value::Number(id), record.value(EMAIL), record.value(PASSWORD_HASH)];
    values.extend([Value::Text(last_name.clone()), Value::Text(bio.clone())]);
    match inserts {
        true => record.set(BIO, bio),
        false => {
            record.set(BIO, format!("{bio}, once {}", record.text(LAST_NAME)));
            record.set(LAST_NAME, last_name);
            record.count_up(LOGINS);
        }
    }
    let expected = Expected::row(record.with_id(id, &[BIO, LAST_NAME, LOGINS]));
    turn.write(id, Some(record));
    Call { values, expected }
}

pub(super) fn delete(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    turn.write(id, None);
    Call { values: vec![record.value(EMAIL)], expected: Expected::Count(1) }
}

pub(super) fn delete_returning(turn: &mut Turn<'_>, id: i64, record: Record) -> Call {
    turn.write(id, None);
    let expected = Expected::row(record.cells(&[EMAIL, LAST_NAME, SETTINGS]));
    Call { values: vec![Value::Number(id)], expected }
}
