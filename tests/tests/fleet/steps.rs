//! Steps of a fleet: who follows, who is waited for, what is written down.

use rewrite_rules::Phase;
use segue::journal::step::StepError;
use segue::phase::wish::ReloadError;
use segue_tests::proxy::{Proxy, Replica, rename_username};
use segue_tests::server::{Database, eventually, pause};

use super::{DDL, all_have_drained, alone, journal, step, step_asked, step_from, step_of_all, two};

#[test]
fn all_go_together_forward_and_back() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    let mut stays = second.connect();
    for (proxy, phase) in [
        (&first, Phase::DualWrite),
        (&second, Phase::SwitchReads),
        (&first, Phase::DualWrite),
        (&first, Phase::SwitchReads),
        (&second, Phase::StopDualWrite),
        (&first, Phase::Contract),
    ] {
        step_of_all(proxy, &[&first, &second], phase);
        stays.script(&format!("UPDATE users SET username = '{phase}' WHERE id = 1"));
        assert_eq!(stays.rows("SELECT username FROM users WHERE id = 1"), [phase.name()]);
    }
    let history = "SELECT epoch, action, coalesce(from_phase, '-'), to_phase FROM segue.history \
                   ORDER BY id";
    let expected = [
        "1|start|-|expand",
        "2|flip|expand|dual-write",
        "3|flip|dual-write|switch-reads",
        "4|flip|switch-reads|dual-write",
        "5|flip|dual-write|switch-reads",
        "6|flip|switch-reads|stop-dual-write",
        "7|flip|stop-dual-write|contract",
    ];
    assert_eq!(journal(&database, history), expected);
    let compared = "SELECT epoch, phase, result FROM segue.verification ORDER BY id";
    let expected = ["2|switch-reads|equal", "3|dual-write|equal", "4|switch-reads|equal"];
    assert_eq!(journal(&database, compared), expected);
    first.stop();
    second.stop();
}

#[test]
fn a_step_back_that_comes_late_is_no_step_forward() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        step_of_all(&first, &[&first, &second], phase);
    }
    let late = step_from(&second, Some(Phase::Contract), Phase::StopDualWrite);
    let Err(ReloadError::Overtaken(overtaken)) = &late else { panic!("{late:?}") };
    let expected = "migration \"rename-username\" is in phase \"switch-reads\" now; \
                    \"stop-dual-write\" was asked for when it was in \"contract\"\n  \
                    hint: ask again if it is still wanted";
    assert_eq!(overtaken.to_string(), expected);
    let late = step_from(&second, Some(Phase::Expand), Phase::DualWrite);
    assert!(matches!(late, Err(ReloadError::Overtaken(_))), "{late:?}");
    assert_eq!(second.phase(), Some(Phase::SwitchReads));
    // What is there already, and what leads the same way from elsewhere, is not late.
    step_from(&second, Some(Phase::Expand), Phase::SwitchReads).expect("it is there");
    step_from(&second, Some(Phase::DualWrite), Phase::StopDualWrite).expect("the same way");
    eventually("the first follows", || first.phase() == Some(Phase::StopDualWrite));
    all_have_drained(&first);
    first.stop();
    second.stop();
}

#[test]
fn no_step_is_taken_while_another_replica_has_yet_to_drain() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    let mut open = second.connect();
    open.script("BEGIN; SELECT username FROM users WHERE id = 1");
    step(&first, Phase::DualWrite).expect("the first step");
    eventually("the second one follows", || second.phase() == Some(Phase::DualWrite));

    let refused = step(&first, Phase::SwitchReads);
    let Err(ReloadError::Fleet { error: StepError::Lagging { epoch: 2, lagging } }) = &refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(lagging.len(), 1);
    assert!(lagging.iter().all(|it| it.address.ends_with(&format!(":{}", second.port()))));
    assert_eq!((first.phase(), second.phase()), (Some(Phase::DualWrite), Some(Phase::DualWrite)));
    // Its transaction lives where it began.
    open.script("UPDATE users SET username = 'late' WHERE id = 1; COMMIT");
    database.connect().script("UPDATE users SET handle = username");
    step_of_all(&first, &[&first, &second], Phase::SwitchReads);
    first.stop();
    second.stop();
}

#[test]
fn a_step_that_comes_late_is_not_taken_once_more() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        step_of_all(&first, &[&first, &second], phase);
    }
    let asked = (Some(Phase::SwitchReads), second.current().roll().epoch());
    assert_eq!(asked.1, Some(3));
    for phase in [Phase::StopDualWrite, Phase::SwitchReads] {
        step_of_all(&first, &[&first, &second], phase);
    }
    let late = step_asked(&second, asked, Phase::StopDualWrite);
    let Err(ReloadError::Overtaken(overtaken)) = &late else { panic!("{late:?}") };
    let expected = "migration \"rename-username\" is in phase \"switch-reads\" again, after another; \
                    \"stop-dual-write\" was asked for when it was in \"switch-reads\"\n  \
                    hint: ask again if it is still wanted";
    assert_eq!(overtaken.to_string(), expected);
    assert_eq!(second.phase(), Some(Phase::SwitchReads));
    let anew = (Some(Phase::SwitchReads), second.current().roll().epoch());
    step_asked(&second, anew, Phase::StopDualWrite).expect("it is wanted still");
    eventually("the first follows", || first.phase() == Some(Phase::StopDualWrite));
    first.stop();
    second.stop();
}

#[test]
fn what_a_file_asked_for_and_others_did_it_does_not_ask_for_again() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        step_of_all(&first, &[&first, &second], phase);
    }
    second.reload(&rename_username(Phase::SwitchReads)).expect("it is there");
    let freeze = |when: &str| {
        database.connect().script(&format!("UPDATE segue.fleet SET frozen_at = {when}"));
    };
    freeze("now()");
    let file = rename_username(Phase::StopDualWrite);
    second.reload(&file).expect_err("the fleet is frozen");
    // It notices by itself, too, that its file has changed.
    pause(1_500);
    freeze("NULL");
    for phase in [Phase::StopDualWrite, Phase::SwitchReads] {
        step_of_all(&first, &[&first, &second], phase);
    }
    // The file is read once more, for whatever reason.
    second.reload(&file).expect("nothing is asked for");
    assert_eq!(second.phase(), Some(Phase::SwitchReads));
    let steps = "SELECT to_phase FROM segue.history WHERE action = 'flip' ORDER BY id";
    let expected = ["dual-write", "switch-reads", "stop-dual-write", "switch-reads"];
    assert_eq!(journal(&database, steps), expected);
    first.stop();
    second.stop();
}

#[test]
fn a_step_whose_connection_is_ended_is_taken_all_the_same() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    let mut holder = database.connect();
    holder.script("BEGIN; SELECT FROM segue.fleet FOR UPDATE");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| step(&first, Phase::DualWrite));
        let waits = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                     AND query LIKE 'SELECT FROM segue.fleet FOR UPDATE%'";
        let mut direct = database.connect();
        let ended = format!("SELECT pg_terminate_backend(pid) {waits}");
        eventually("the step waits, and is ended", || direct.rows(&ended) == ["t"]);
        let again = format!("SELECT count(*) {waits}");
        eventually("another one waits", || direct.rows(&again) == ["1"]);
        holder.script("COMMIT");
        asked.join().expect("a step").expect("it is taken");
    });
    eventually("the second follows", || second.phase() == Some(Phase::DualWrite));
    let steps = "SELECT to_phase FROM segue.history WHERE action = 'flip'";
    assert_eq!(journal(&database, steps), ["dual-write"]);
    first.stop();
    second.stop();
}

#[test]
fn a_file_that_was_left_behind_asks_for_nothing() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    // Read again as it is, and with another migration in it.
    let old = rename_username(Phase::Expand);
    second.reload(&old).expect("nothing is asked for");
    let other = old.replace("rename-username", "other").replace("\"username\"", "\"id\"");
    let other = other.replace("\"handle\"", "\"number\"");
    second.reload(&format!("{old}{other}")).expect("another migration begins");
    eventually("the first one follows", || first.current().load().compiled().rules().len() == 2);
    for proxy in [&first, &second] {
        assert_eq!(proxy.current().load().compiled().rules().len(), 2);
    }
    assert_eq!(
        journal(&database, "SELECT name, phase FROM segue.migration ORDER BY name"),
        ["other|expand", "rename-username|dual-write"]
    );
    // Taken out of one file it ends for all; the other file may keep it.
    pause(1_000);
    second.reload(&old).expect("it ends");
    eventually("it has ended for the first one", || {
        first.current().load().compiled().rules().len() == 1
    });
    first.stop();
    second.stop();
}

#[test]
fn nothing_is_flipped_while_the_fleet_is_frozen() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    let set = |frozen: &str| {
        let row = format!("UPDATE segue.fleet SET frozen_at = {frozen}, frozen_by = 'ann@desk'");
        database.connect().script(&row);
    };
    set("now()");
    let refused = step(&first, Phase::DualWrite).expect_err("it is frozen").to_string();
    let expected = "the fleet is frozen by ann@desk\n  hint: segue unfreeze lets it go on";
    assert_eq!(refused, expected);
    set("NULL");
    step_of_all(&first, &[&first, &second], Phase::DualWrite);
    first.stop();
    second.stop();
}

#[test]
fn two_steps_at_once_are_taken_one_after_the_other() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    let (first, second) = two(&database);
    // Both files change at the same moment, as a deployment changes them.
    let file = rename_username(Phase::DualWrite);
    std::thread::scope(|scope| {
        let reloads = [&first, &second].map(|proxy| scope.spawn(|| proxy.reload(&file).map(drop)));
        for reload in reloads {
            reload.join().expect("no panic").expect("both are content");
        }
    });
    for proxy in [&first, &second] {
        eventually("both are there", || proxy.phase() == Some(Phase::DualWrite));
    }
    assert_eq!(journal(&database, "SELECT epoch FROM segue.fleet"), ["2"]);
    first.stop();
    second.stop();
}

#[test]
fn one_replica_is_a_fleet_too() {
    let _alone = alone();
    let database = Database::create("fleet", DDL);
    segue_tests::proxy::forget_the_fleet(&database);
    let file = rename_username(Phase::Expand);
    let only = Proxy::join(&database, &file, Replica::default());
    only.flip(Phase::DualWrite);
    only.stop();
    // The next process goes on where the journal says, whatever it is told by the file.
    let next = Proxy::join(&database, &file, Replica::default());
    assert_eq!(next.phase(), Some(Phase::DualWrite));
    next.flip(Phase::SwitchReads);
    next.stop();
}
