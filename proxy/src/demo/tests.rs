//! The whole demo, small, in every scenario; and its proof against rows that somebody has tampered with.

use std::path::PathBuf;
use std::process::ExitCode;

use rewrite_rules::Phase;

use super::application::Model;
use super::proof::Proof;
use super::recorder::Recorder;
use super::{Arguments, Scenario, connect, proof, run, schema};
use crate::cluster::{Cluster, ClusterOptions};

fn small(scenario: Scenario, report: PathBuf) -> Arguments {
    Arguments {
        scenario,
        rows: 1_000,
        rate: 100,
        connections: 3,
        seconds_per_phase: 0.2,
        seed: 7,
        report,
        plain: true,
        fast: false,
    }
}

async fn loses_nothing(scenario: Scenario, told: &str) {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let code = run(small(scenario, report.clone())).await;
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("0 errors, 0 lost or diverged rows"));
    assert!(page.contains(told));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_rename_loses_nothing_and_leaves_its_report_only() {
    let told = "<code>users.username</code> became <code>users.handle</code>";
    loses_nothing(Scenario::Rename, told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_split_loses_nothing_and_leaves_its_report_only() {
    let told = "<code>users</code> became <code>users</code> and <code>user_profiles</code>";
    loses_nothing(Scenario::Split, told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_merge_loses_nothing_and_leaves_its_report_only() {
    let told = "<code>email_preferences</code> and <code>notification_preferences</code> became \
                <code>user_preferences</code>";
    loses_nothing(Scenario::Merge, told).await;
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_told_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("absent/report.html")] {
        let code = run(small(Scenario::Rename, path)).await;
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What makes one row lost, two others, one surplus, and one of which nobody knows.
struct Tampering {
    scenario: Scenario,
    phase: Phase,
    sql: &'static str,
    samples: [&'static str; 4],
}

const TAMPERING: [Tampering; 5] = [
    Tampering {
        scenario: Scenario::Rename,
        phase: Phase::Expand,
        sql: "DELETE FROM users WHERE id = 10;
              UPDATE users SET updates = 1 WHERE id = 20;
              UPDATE users SET username = 'somebody' WHERE id = 30;
              INSERT INTO users (id, username, email) VALUES (2000, 'new', 'new');
              UPDATE users SET bio = 'in doubt' WHERE id = 40",
        samples: [
            "row 10 is lost",
            "row 20 is (user_20, user_20@example.com, NULL, 1), \
             must be (user_20, user_20@example.com, NULL, 0)",
            "row 2000 should not be there",
            "row 30 is (somebody, user_30@example.com, I am number 30, 0), \
             must be (user_30, user_30@example.com, I am number 30, 0)",
        ],
    },
    Tampering {
        scenario: Scenario::Split,
        phase: Phase::DualWrite,
        sql: "DELETE FROM users WHERE id = 11;
              UPDATE users SET settings = '{}' WHERE id = 22;
              UPDATE users SET logins = 1 WHERE id = 31;
              INSERT INTO users (id, email, password_hash, last_name) VALUES (2000, 'n', 'n', 'n');
              UPDATE users SET bio = 'in doubt' WHERE id = 40",
        samples: [
            "row 11 is lost",
            "row 2000 should not be there",
            "row 22 is (user_22@example.com, hash of 22, First22, Last22, NULL, NULL, {}, 0), \
             must be (user_22@example.com, hash of 22, First22, Last22, NULL, NULL, \
             {\"theme\": \"dark\"}, 0)",
            "row 31 is (user_31@example.com, hash of 31, First31, Last31, NULL, NULL, {}, 1), \
             must be (user_31@example.com, hash of 31, First31, Last31, NULL, NULL, {}, 0)",
        ],
    },
    Tampering {
        scenario: Scenario::Split,
        phase: Phase::Contract,
        // The new table as the gate would have it, but for its foreign key.
        sql: "CREATE TABLE user_profiles AS
              SELECT id AS user_id, first_name, last_name, bio, avatar_url, settings FROM users;
              ALTER TABLE users DROP first_name, DROP last_name, DROP bio, DROP avatar_url,
                  DROP settings;
              DELETE FROM users WHERE id = 11;
              DELETE FROM user_profiles WHERE user_id IN (11, 22);
              UPDATE user_profiles SET first_name = NULL WHERE user_id = 31;
              INSERT INTO user_profiles (user_id) VALUES (2000);
              UPDATE user_profiles SET bio = 'in doubt' WHERE user_id = 40",
        samples: [
            "row 11 is lost",
            "row 2000 should not be there",
            "row 22 is (user_22@example.com, hash of 22, NULL, NULL, NULL, NULL, NULL, 0), \
             must be (user_22@example.com, hash of 22, First22, Last22, NULL, NULL, \
             {\"theme\": \"dark\"}, 0)",
            "row 31 is (user_31@example.com, hash of 31, NULL, Last31, NULL, NULL, {}, 0), \
             must be (user_31@example.com, hash of 31, First31, Last31, NULL, NULL, {}, 0)",
        ],
    },
    Tampering {
        scenario: Scenario::Merge,
        phase: Phase::DualWrite,
        sql: "DELETE FROM users WHERE id = 11;
              DELETE FROM email_preferences WHERE user_id = 22;
              UPDATE notification_preferences SET in_app = NULL WHERE user_id = 31;
              INSERT INTO users (id, name) VALUES (2000, 'n');
              INSERT INTO email_preferences (user_id) VALUES (40)",
        samples: [
            "row 11 is lost",
            "row 2000 should not be there",
            "row 22 is (User 22, NULL, NULL, NULL, NULL, f, t, f, 0), \
             must be (User 22, t, f, weekly for 22, 0, f, t, f, 0)",
            "row 31 is (User 31, f, f, weekly for 31, 0, f, f, NULL, 0), \
             must be (User 31, f, f, weekly for 31, 0, f, f, f, 0)",
        ],
    },
    Tampering {
        scenario: Scenario::Merge,
        phase: Phase::Contract,
        // The same of its new table. One row has lost the word that it is there, another is left behind.
        sql: "CREATE TABLE user_preferences AS
              SELECT u.id AS user_id,
                     coalesce(e.newsletter, true) AS newsletter,
                     CASE WHEN e.user_id IS NULL THEN false ELSE e.marketing END AS marketing,
                     CASE WHEN e.user_id IS NULL THEN 'weekly' ELSE e.digest END AS digest,
                     coalesce(e.changes, 0) AS email_changes,
                     e.user_id IS NOT NULL AS has_email_preferences,
                     coalesce(n.push_enabled, true) AS push_enabled,
                     CASE WHEN n.user_id IS NULL THEN false ELSE n.sms_enabled END AS sms_enabled,
                     CASE WHEN n.user_id IS NULL THEN true ELSE n.in_app END AS in_app,
                     coalesce(n.changes, 0) AS notification_changes,
                     n.user_id IS NOT NULL AS has_notification_preferences
              FROM users u LEFT JOIN email_preferences e ON e.user_id = u.id
                   LEFT JOIN notification_preferences n ON n.user_id = u.id;
              DROP TABLE email_preferences, notification_preferences;
              DELETE FROM users WHERE id = 11;
              DELETE FROM user_preferences WHERE user_id = 11;
              UPDATE user_preferences SET has_email_preferences = false WHERE user_id = 21;
              UPDATE user_preferences SET digest = 'once' WHERE user_id = 25;
              INSERT INTO user_preferences (user_id, has_email_preferences) VALUES (2000, true);
              UPDATE user_preferences SET has_email_preferences = true WHERE user_id = 40",
        samples: [
            "row 11 is lost",
            "row 2000 should not be there",
            "row 21 is (User 21, f, NULL, NULL, left behind, t, f, t, 0), \
             must be (User 21, f, NULL, NULL, 0, t, f, t, 0)",
            "row 25 is (User 25, t, f, once, left behind, f, f, NULL, 0), \
             must be (User 25, NULL, NULL, NULL, NULL, f, f, NULL, 0)",
        ],
    },
];

/// Takes the tables of all scenarios away.
const EMPTY: &str = "DROP TABLE IF EXISTS users, user_profiles, email_preferences, \
                     notification_preferences, user_preferences";

#[tokio::test]
async fn the_proof_finds_every_kind_of_tampering() {
    let cluster = Cluster::start(ClusterOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{error}\nHINT: {}", error.hint()));
    let maintenance = connect(&cluster.superuser("postgres")).await.unwrap();
    for sql in schema::PREPARE {
        maintenance.batch_execute(sql).await.unwrap();
    }
    let direct = connect(&cluster.superuser(schema::DATABASE)).await.unwrap();
    for Tampering { scenario, phase, sql, samples } in TAMPERING {
        direct.batch_execute(EMPTY).await.unwrap();
        let script = scenario.script();
        schema::fill(&direct, script, 1_000).await.unwrap();
        let filled = script.application.filled;
        let models = || (0..4).map(|worker| Model::new((worker, 4), 1_000, filled)).collect();
        let recorder = Recorder::start(phase);
        let compare = async |sql| {
            proof::compare(&direct, sql, models(), &recorder.recording()).await.unwrap()
        };
        let clean = compare(script.rows(Phase::Expand)).await;
        assert_eq!((clean.expected, clean.found, clean.bad()), (1_000, 1_000, 0), "{clean:?}");

        direct.batch_execute(sql).await.unwrap();
        recorder.undecided(40);
        let mut found = compare(script.rows(phase)).await;
        found.samples.sort();
        let samples = samples.map(str::to_owned).to_vec();
        let expected = Proof {
            expected: 999,
            found: 999,
            lost: 1,
            surplus: 1,
            diverged: 2,
            undecided: 1,
            samples,
        };
        assert_eq!(found, expected, "{scenario:?} in {phase}");
    }
    drop(direct);
    cluster.stop().await;
}
