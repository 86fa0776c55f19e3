//! The whole demo, small; and its proof against a table that somebody has tampered with.

use std::path::PathBuf;
use std::process::ExitCode;

use rewrite_rules::Phase;

use super::application::Model;
use super::recorder::Recorder;
use super::{Arguments, connect, proof, run, schema};
use crate::cluster::{Cluster, ClusterOptions};

fn small(report: PathBuf) -> Arguments {
    Arguments {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_run_loses_nothing_and_leaves_its_report_only() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let code = run(small(report.clone())).await;
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("0 errors, 0 lost or diverged rows"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_told_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("absent/report.html")] {
        let code = run(small(path)).await;
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

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
    schema::seed(&direct, 1_000).await.unwrap();
    let models = || (0..4).map(|worker| Model::seeded(worker, 4, 1_000)).collect::<Vec<_>>();
    let recorder = Recorder::start(Phase::Expand);
    let recording = recorder.recording();
    let clean = proof::compare(&direct, "username", models(), &recording).await.unwrap();
    assert_eq!((clean.expected, clean.found, clean.bad()), (1_000, 1_000, 0));

    direct
        .batch_execute(
            "DELETE FROM users WHERE id = 10; \
             UPDATE users SET updates = 1 WHERE id = 20; \
             UPDATE users SET username = 'somebody' WHERE id = 30; \
             INSERT INTO users (id, username, email) VALUES (2000, 'new', 'new'); \
             UPDATE users SET bio = 'in doubt' WHERE id = 40",
        )
        .await
        .unwrap();
    recorder.undecided(40);
    let recording = recorder.recording();
    let found = proof::compare(&direct, "username", models(), &recording).await.unwrap();
    assert_eq!(
        (found.lost, found.diverged, found.surplus, found.undecided),
        (1, 2, 1, 1),
        "{found:?}"
    );
    assert_eq!(found.samples.len(), 4);
    drop(direct);
    cluster.stop().await;
}
