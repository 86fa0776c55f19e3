//! The session's prepared statements: the client's text of each, and in which generation's words
//! it stands on the server. Parse and PREPARE make them in one name space.
//!
//! What is sent may never take effect: after an error the server discards messages until Sync. So
//! each statement has one confirmed version and a queue of changes that were sent and not yet
//! answered; a reply confirms the oldest, an error takes it back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::version::{Source, Standing, Under, Version};

/// PostgreSQL's prepared statement names count up to here (`NAMEDATALEN` - 1). Unit: bytes.
const NAME_BYTES: usize = 63;

/// A change that was sent and not yet answered.
#[derive(Debug)]
struct Change {
    /// Number of the batch that it was sent in.
    batch: u64,
    /// The statement after it; `None` for closed.
    version: Option<Version>,
}

#[derive(Debug, Default)]
struct Slot {
    confirmed: Option<Version>,
    pending: VecDeque<Change>,
}

/// What a Bind or Describe of a statement would meet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// No such statement: the server will say so.
    Absent,
    /// It stands in the words of the generation asked for.
    Current(&'a Standing),
    /// It stands in the words of another generation, or not at all.
    Stale(&'a Version),
    /// That depends on an answer which has not come yet, to an earlier batch.
    Unsettled,
}

/// What is known of statements that were made by a PREPARE which was not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Unread {
    /// There are none.
    #[default]
    Nothing,
    /// There may be some: the server knows them.
    Something,
    /// The server was asked, and its answer was not understood.
    Hopeless,
}

/// A prepared statement that the server knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Existing {
    pub(super) name: Vec<u8>,
    /// The PREPARE statement that made it, if one did, in the server's words.
    pub(super) from_sql: Option<Source>,
}

/// All prepared statements of a session.
#[derive(Debug, Default)]
pub(super) struct Statements {
    slots: HashMap<Arc<[u8]>, Slot, RandomState>,
    unread: Unread,
    /// Whether one has been sent in other words than the client's since this was last looked at.
    rewritten: bool,
}

/// The part of a name by which PostgreSQL tells statements apart.
fn key(name: &[u8]) -> &[u8] {
    name.get(..NAME_BYTES).unwrap_or(name)
}

impl Statements {
    /// What a use of `name` would meet, in `generation`, sent in `batch`.
    pub(super) fn find(&self, name: &[u8], under: impl Into<Under>, batch: u64) -> Found<'_> {
        let under = under.into();
        let Some(slot) = self.slots.get(key(name)) else {
            return Found::Absent;
        };
        let latest = match slot.pending.back() {
            None => slot.confirmed.as_ref(),
            // If a change of this very batch fails, so does everything after it.
            Some(change) if change.batch == batch => change.version.as_ref(),
            Some(change) if slot.agrees_on(under, self.unread) => change.version.as_ref(),
            Some(_) => return Found::Unsettled,
        };
        match latest {
            None => Found::Absent,
            Some(version) => match &version.standing {
                Some(standing) if standing.under == under => Found::Current(standing),
                Some(_) | None => Found::Stale(version),
            },
        }
    }

    /// Notes that a change was sent: a Parse, or a Close if `version` is `None`. The key returned
    /// goes with the expected reply.
    pub(super) fn sent(
        &mut self,
        name: &[u8],
        batch: u64,
        version: Option<Version>,
    ) -> Option<Arc<[u8]>> {
        let name = key(name);
        let known = match self.slots.get_key_value(name) {
            Some((known, _slot)) => Arc::clone(known),
            None if version.is_none() => return None,
            None => {
                let new: Arc<[u8]> = name.into();
                self.slots.insert(Arc::clone(&new), Slot::default());
                new
            }
        };
        self.rewritten |= version.as_ref().is_some_and(Version::may_be_rewritten);
        self.slots.get_mut(name)?.pending.push_back(Change { batch, version });
        Some(known)
    }

    /// The server did the oldest change that was sent.
    pub(super) fn confirm(&mut self, name: &Arc<[u8]>) {
        if let Some(slot) = self.slots.get_mut(name) {
            if let Some(change) = slot.pending.pop_front() {
                slot.confirmed = change.version;
            }
            self.forget_if_gone(name);
        }
    }

    /// The server skipped the oldest change, or tried and failed.
    pub(super) fn take_back(&mut self, name: &Arc<[u8]>) {
        if let Some(slot) = self.slots.get_mut(name) {
            slot.pending.pop_front();
            self.forget_if_gone(name);
        }
    }

    /// The server tried a Parse of the client's and failed. PostgreSQL drops the unnamed statement
    /// before it reads the new text, so it is gone then.
    pub(super) fn failed(&mut self, name: &Arc<[u8]>) {
        if name.is_empty()
            && let Some(slot) = self.slots.get_mut(name)
        {
            slot.confirmed = None;
        }
        self.take_back(name);
    }

    /// The words on the server are also those of `standing`'s generation.
    pub(super) fn still_stands(&mut self, name: &[u8], standing: Standing) {
        let Some(slot) = self.slots.get_mut(key(name)) else {
            return;
        };
        let latest = match slot.pending.back_mut() {
            Some(change) => change.version.as_mut(),
            None => slot.confirmed.as_mut(),
        };
        if let Some(version) = latest {
            version.standing = Some(standing);
        }
    }

    /// Names of all statements that have one.
    pub(super) fn named(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.slots.keys().filter(|name| !name.is_empty())
    }

    /// What `name` was last prepared from, whether or not the server has answered.
    pub(super) fn latest(&self, name: &[u8]) -> Option<&Version> {
        let slot = self.slots.get(key(name))?;
        match slot.pending.back() {
            Some(change) => change.version.as_ref(),
            None => slot.confirmed.as_ref(),
        }
    }

    /// Whether one may stand in other words than the client's.
    pub(super) fn rewritten(&mut self) -> bool {
        self.rewritten = self.rewritten
            && self.slots.values().any(|slot| {
                let pending = slot.pending.iter().map(|change| &change.version);
                let mut versions = pending.chain([&slot.confirmed]).flatten();
                versions.any(Version::may_be_rewritten)
            });
        self.rewritten
    }

    /// Whether there may be statements that are not known here.
    pub(super) fn unread(&self) -> Unread {
        self.unread
    }

    /// A PREPARE took effect that was not read: it was sent as it came.
    pub(super) fn prepared_unread(&mut self) {
        self.unread = Unread::Something;
        // It may have taken the place of one that was dropped unseen.
        self.doubt_named();
    }

    /// DEALLOCATE ALL or DISCARD ALL took effect: all named statements are gone.
    pub(super) fn drop_named(&mut self) {
        self.unread = Unread::Nothing;
        for (name, slot) in &mut self.slots {
            if !name.is_empty() {
                slot.confirmed = None;
            }
        }
        self.slots.retain(|_name, slot| slot.confirmed.is_some() || !slot.pending.is_empty());
    }

    /// A DEALLOCATE took effect and the name is not known.
    pub(super) fn doubt_named(&mut self) {
        for (name, slot) in &mut self.slots {
            if let Some(version) = &mut slot.confirmed
                && !name.is_empty()
            {
                version.unsure = true;
            }
        }
    }

    /// The server has been asked which statements exist; `None` if its answer was not understood.
    ///
    /// Unsure ones that are not among them are gone. Of those that were made by PREPARE, the ones
    /// whose text is not what was sent were made by a PREPARE that was not read, which is never
    /// rewritten: the server's text of them is the client's.
    pub(super) fn reconcile(&mut self, existing: Option<Vec<Existing>>) {
        let Some(existing) = existing else {
            self.unread = Unread::Hopeless;
            return;
        };
        self.unread = Unread::Nothing;
        for (name, slot) in &mut self.slots {
            let unsure = slot.confirmed.as_ref().is_some_and(|version| version.unsure);
            if unsure && !existing.iter().any(|known| key(&known.name) == name.as_ref()) {
                slot.confirmed = None;
            }
        }
        for Existing { name, from_sql } in existing {
            let known = self.slots.get_mut(key(&name)).and_then(|slot| slot.confirmed.as_mut());
            match (known, from_sql) {
                (Some(version), None) => version.unsure = false,
                (Some(version), Some(source)) if version.stands_as(&source) => {
                    version.unsure = false;
                }
                (_, Some(source)) => {
                    let slot = self.slots.entry(key(&name).into()).or_default();
                    slot.confirmed = Some(Version::as_it_came(source));
                }
                // One of our own, or a Parse whose answer is under way.
                (None, None) => {}
            }
        }
        self.slots.retain(|_name, slot| slot.confirmed.is_some() || !slot.pending.is_empty());
    }

    fn forget_if_gone(&mut self, name: &Arc<[u8]>) {
        if self
            .slots
            .get(name)
            .is_some_and(|slot| slot.confirmed.is_none() && slot.pending.is_empty())
        {
            self.slots.remove(name);
        }
    }
}

impl Slot {
    /// Whether the statement stands in the right words however the open answers turn out. One that
    /// is not known may be there all the same, while there are `unread` ones.
    fn agrees_on(&self, under: Under, unread: Unread) -> bool {
        let stands = |version: &Option<Version>| match version {
            None => unread == Unread::Nothing,
            Some(version) => version.standing.as_ref().is_some_and(|it| it.under == under),
        };
        stands(&self.confirmed) && self.pending.iter().all(|change| stands(&change.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::Outcome;

    impl From<u64> for Under {
        fn from(generation: u64) -> Self {
            Self { generation, names: 0 }
        }
    }

    fn version_source(text: &str) -> Source {
        Source { text: Some(text.as_bytes().into()), types: [0, 0].into(), from_sql: false }
    }

    fn version(text: &str, generation: u64) -> Version {
        let standing = Standing {
            under: generation.into(),
            outcome: Arc::new(Outcome::Forward),
            changes_names: false,
            effects: None,
            scope: crate::session::version::Scope::Unknown,
        };
        let source = Arc::new(version_source(text));
        Version { source, standing: Some(standing), missing: false, unsure: false }
    }

    fn confirmed(statements: &mut Statements, name: &[u8], version: Version) {
        let key = statements.sent(name, 0, Some(version)).unwrap();
        statements.confirm(&key);
    }

    #[test]
    fn a_statement_is_current_in_its_generation_only() {
        let mut statements = Statements::default();
        confirmed(&mut statements, b"s", version("a", 1));
        assert!(matches!(statements.find(b"s", 1, 9), Found::Current(_)));
        assert_eq!(statements.find(b"s", 2, 9), Found::Stale(&version("a", 1)));
        assert_eq!(statements.find(b"t", 1, 9), Found::Absent);
    }

    #[test]
    fn a_statement_is_current_under_the_names_it_was_read_with_only() {
        let mut statements = Statements::default();
        confirmed(&mut statements, b"s", version("a", 1));
        let later = Under { generation: 1, names: 1 };
        assert_eq!(statements.find(b"s", later, 9), Found::Stale(&version("a", 1)));
    }

    #[test]
    fn a_change_of_an_earlier_batch_must_be_answered_if_it_matters() {
        let mut statements = Statements::default();
        confirmed(&mut statements, b"s", version("a", 1));
        let key = statements.sent(b"s", 1, Some(version("b", 2))).unwrap();
        assert!(matches!(statements.find(b"s", 2, 1), Found::Current(_)), "same batch");
        assert_eq!(statements.find(b"s", 2, 2), Found::Unsettled, "later batch");
        statements.take_back(&key);
        assert_eq!(statements.find(b"s", 2, 2), Found::Stale(&version("a", 1)));
    }

    #[test]
    fn closing_takes_effect_when_answered() {
        let mut statements = Statements::default();
        confirmed(&mut statements, b"s", version("a", 1));
        let key = statements.sent(b"s", 1, None).unwrap();
        assert_eq!(statements.find(b"s", 1, 1), Found::Absent);
        statements.confirm(&key);
        assert_eq!(statements.find(b"s", 1, 2), Found::Absent);
        assert_eq!(statements.sent(b"s", 2, None), None, "nothing to close");
        assert!(statements.slots.is_empty());
    }

    #[test]
    fn only_the_unnamed_statement_dies_with_its_replacement() {
        let mut statements = Statements::default();
        for name in [&b""[..], b"s"] {
            confirmed(&mut statements, name, version("a", 1));
            let key = statements.sent(name, 1, Some(version("b", 1))).unwrap();
            statements.failed(&key);
        }
        assert_eq!(statements.find(b"", 1, 2), Found::Absent);
        assert!(matches!(statements.find(b"s", 1, 2), Found::Current(_)));
    }

    #[test]
    fn names_are_cut_where_postgresql_cuts_them() {
        let mut statements = Statements::default();
        confirmed(&mut statements, &[b'x'; 70], version("a", 1));
        assert!(matches!(statements.find(&[b'x'; 63], 1, 1), Found::Current(_)));
        assert_eq!(statements.find(&[b'x'; 62], 1, 1), Found::Absent);
    }

    #[test]
    fn deallocated_statements_are_not_raised_from_the_dead() {
        let mut statements = Statements::default();
        for name in [&b""[..], b"s", b"t"] {
            confirmed(&mut statements, name, version("a", 1));
        }
        statements.doubt_named();
        assert_eq!(
            statements.find(b"s", 2, 1),
            Found::Stale(&Version { unsure: true, ..version("a", 1) })
        );
        let known = Existing { name: b"t".to_vec(), from_sql: None };
        statements.reconcile(Some(vec![known]));
        assert_eq!(statements.find(b"s", 2, 1), Found::Absent);
        assert_eq!(statements.find(b"t", 2, 1), Found::Stale(&version("a", 1)));
        statements.drop_named();
        assert_eq!(statements.find(b"t", 2, 1), Found::Absent);
        assert_eq!(statements.find(b"", 2, 1), Found::Stale(&version("a", 1)));
    }
    #[test]
    fn what_the_server_has_tells_a_statement_from_one_that_took_its_place() {
        let made = |text: &str| Source { from_sql: true, ..version_source(text) };
        let mut statements = Statements::default();
        for name in ["same", "other", "gone"] {
            let source = Arc::new(made("prepare x as select 1"));
            confirmed(&mut statements, name.as_bytes(), Version { source, ..version("", 1) });
        }
        statements.prepared_unread();
        assert_eq!(statements.unread(), Unread::Something);
        let texts = ["same", "other", "new"].into_iter().zip([1, 2, 3]);
        let known = texts.map(|(name, number)| Existing {
            name: name.as_bytes().to_vec(),
            from_sql: Some(made(&format!("prepare x as select {number}"))),
        });
        statements.reconcile(Some(known.collect()));
        assert_eq!(statements.unread(), Unread::Nothing);
        assert!(matches!(statements.find(b"same", 1, 9), Found::Current(_)));
        assert_eq!(statements.find(b"gone", 1, 9), Found::Absent);
        for (name, text) in [("other", "prepare x as select 2"), ("new", "prepare x as select 3")] {
            let expected = Version::as_it_came(made(text));
            assert_eq!(statements.find(name.as_bytes(), 1, 9), Found::Stale(&expected));
        }
        statements.reconcile(None);
        assert_eq!(statements.unread(), Unread::Hopeless);
        statements.drop_named();
        assert_eq!(statements.unread(), Unread::Nothing);
    }
}
