//! `segue fallback`: the way back in a hurry, as far as it loses nothing.

use std::process::ExitCode;

use rewrite_rules::Phase;
use rewrite_rules::rule::Change;

use super::status::not_answered;
use super::{ConfigFile, DONE, FAILED, complain, phase, say};
use crate::admin::client::AdminClient;
use crate::admin::message::Migration;
use crate::config::Draft;

/// Arguments of `segue fallback`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It goes to the last phase in which the old side is read, where the old side \
                        is whole: from switch-reads to dual-write. The gate is asked as for any \
                        other step. Where the old side is no longer written it says what must be \
                        done first; a backfill-column has no old side, so there is nothing to do.\n\n\
                        Exit codes: 0 the old side is read, 1 that is not possible or was refused, \
                        3 no proxy is running, 4 in force, not drained in time"
)]
pub(super) struct Arguments {
    /// The migration; all of them, if none is named
    name: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
    /// Why, for the history in the journal
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
}

/// What is to be done about one migration.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// The old side is read and whole.
    There,
    /// One step leads there.
    Step,
    /// The old side misses what was written since.
    Barred,
}

fn way(migration: &Migration) -> Way {
    match migration.phase {
        // There is one column, and nothing that it could miss.
        _any if migration.in_place => Way::There,
        Phase::Expand | Phase::DualWrite => Way::There,
        // No column that anybody knew has moved.
        Phase::Backfill | Phase::Enforce => Way::There,
        Phase::SwitchReads => Way::Step,
        Phase::StopDualWrite | Phase::Contract => Way::Barred,
    }
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { name, file, why } = arguments;
    let draft = Draft::read(&file.config).await;
    let status = async { AdminClient::connect(draft.admin_socket()).await?.status().await };
    let mut migrations = match status.await {
        Ok(status) => status.migrations,
        Err(error) => return ExitCode::from(not_answered(&error)),
    };
    if let Some(name) = &name {
        migrations.retain(|migration| migration.name == *name);
        if migrations.is_empty() {
            return super::fail(&format!("there is no migration \"{name}\""));
        }
    }
    let mut worst = DONE;
    for migration in &migrations {
        let code = match way(migration) {
            Way::There => {
                let Migration { name, phase, .. } = migration;
                let what = there(migration);
                say(&format!("migration \"{name}\" is in phase \"{phase}\": {what}\n"));
                DONE
            }
            Way::Step => {
                let why = why.clone().or_else(|| Some("fallback".to_owned()));
                phase::step(&file, &migration.name, Phase::DualWrite, why).await
            }
            Way::Barred => {
                complain(&barred(migration));
                FAILED
            }
        };
        worst = worst.max(code);
    }
    ExitCode::from(worst)
}

/// Why there is nothing to do.
fn there(migration: &Migration) -> &'static str {
    match migration.phase {
        _any if migration.in_place => "there is one column, which is whole",
        _any if migration.kind == Change::BACKFILL_COLUMN => {
            "it has no old side: what unchanged clients read has never moved"
        }
        Phase::Expand
        | Phase::DualWrite
        | Phase::SwitchReads
        | Phase::StopDualWrite
        | Phase::Contract
        | Phase::Backfill
        | Phase::Enforce => "the old side is read",
    }
}

fn barred(migration: &Migration) -> String {
    let Migration { name, phase, .. } = migration;
    let mut steps = Vec::new();
    if *phase == Phase::Contract {
        steps.push(format!("segue phase {name} stop-dual-write"));
    }
    steps.push("drop the old side's unique indexes: what they hold is out of date".to_owned());
    steps.push(format!("segue phase {name} switch-reads    (both sides are written again)"));
    steps.push(
        "copy the new side's values into the old one, and build the indexes again".to_owned(),
    );
    steps
        .push(format!("segue phase {name} dual-write      (asks the gate whether all rows agree)"));
    format!(
        "migration \"{name}\" is in phase \"{phase}\": the old side misses what was written since \
         \"{}\", and reading it would lose that\n  hint: the way back, if the old side still \
         exists:\n    {}",
        Phase::StopDualWrite,
        steps.join("\n    ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_with_two_sides_has_one_to_fall_back_to() {
        let of = |kind: &str, phase, in_place| Migration {
            name: "m".to_owned(),
            kind: kind.to_owned(),
            change: String::new(),
            phase,
            in_place,
        };
        let two_sided = [
            (Phase::Expand, Way::There),
            (Phase::DualWrite, Way::There),
            (Phase::SwitchReads, Way::Step),
            (Phase::StopDualWrite, Way::Barred),
            (Phase::Contract, Way::Barred),
        ];
        for (phase, expected) in two_sided {
            assert_eq!(way(&of(Change::RENAME_COLUMN, phase, false)), expected, "{phase}");
        }
        for phase in Phase::OF_BACKFILL {
            let added = of(Change::BACKFILL_COLUMN, phase, false);
            assert_eq!(way(&added), Way::There, "{phase}");
            let expected = "it has no old side: what unchanged clients read has never moved";
            assert_eq!(there(&added), expected, "{phase}");
        }
        let in_place = of(Change::RENAME_COLUMN, Phase::Contract, true);
        assert_eq!(way(&in_place), Way::There);
        assert_eq!(there(&in_place), "there is one column, which is whole");
    }
}
