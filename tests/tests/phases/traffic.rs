//! Many clients at once, while the phases go by: no error, nothing lost, nothing apart.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::{Database, pause};

use super::sessions::{HABITS, Model, Session};
use super::{DDL, alone, prepare};

/// Time in each phase. Unit: milliseconds.
const STAY_MS: u64 = 250;

/// Tells the clients to end, in good times and bad.
struct StopAtLast<'a>(&'a AtomicBool);

impl Drop for StopAtLast<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn clients_work_while_the_phases_go_by() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let stop = AtomicBool::new(false);
    let models: Mutex<Vec<Model>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (number, habit) in (1..).zip(HABITS.into_iter().chain(HABITS)) {
            let (proxy, stop, models) = (&proxy, &stop, &models);
            scope.spawn(move || {
                let mut session = Session::new(habit, proxy.connect(), number);
                let mut model = Model::new();
                while !stop.load(Ordering::Relaxed) {
                    session.work(&mut model);
                }
                models.lock().expect("no panic").push(model);
            });
        }
        let stay = || pause(STAY_MS);
        // Whatever happens here, the clients must end, or the scope never does.
        let _stop = StopAtLast(&stop);
        stay();
        for (phase, first_time) in [
            (Phase::DualWrite, true),
            (Phase::SwitchReads, true),
            (Phase::DualWrite, false),
            (Phase::SwitchReads, false),
            (Phase::StopDualWrite, true),
            (Phase::Contract, true),
        ] {
            if first_time {
                prepare(&database, phase);
            }
            proxy.flip(phase);
            stay();
        }
        database.connect().script("ALTER TABLE users DROP COLUMN username");
        stay();
    });
    let mut found = database.connect().rows("SELECT id, handle, email FROM users WHERE id > 100");
    let mut expected: Vec<String> = Vec::new();
    for model in models.into_inner().expect("no panic") {
        assert!(!model.is_empty(), "a client that did nothing proves nothing");
        expected.extend(model.iter().map(|(id, (name, email))| {
            format!("{id}|{name}|{}", email.as_deref().unwrap_or("NULL"))
        }));
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    proxy.stop();
}
