//! `status`: tells what is in force.

use std::time::{Duration, SystemTime};

use rewrite_rules::Rule;
use rewrite_rules::rule::{AddedColumn, Change};

use super::Control;
use super::message::{Answer, Flip, Hold, Latency, Migration, Status, Took};
use crate::latency;
use crate::phase::drain::{Reason, WAITING_ENTRIES, Waiting};
use crate::phase::generation::Current;

pub(super) fn answer(control: &Control) -> Answer {
    let generation = control.current.load();
    let drain = control.flips.borrow().clone();
    let progress = drain.progress();
    Answer::Status(Box::new(Status {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: std::path::absolute(&control.config).unwrap_or_else(|_| control.config.clone()),
        started_at_ms: since_epoch_ms(control.started_at),
        generation: generation.number(),
        epoch: control.current.roll().epoch(),
        migrations: generation.compiled().rules().iter().map(migration).collect(),
        flip: Flip {
            generation: drain.generation,
            swapped_at_ms: since_epoch_ms(drain.swapped_at),
            drained_at_ms: progress.drained_at.map(since_epoch_ms),
            waiting: progress.waiting,
            problem: progress.problem,
        },
        hold: hold(&control.current),
        sessions: control.current.sessions(),
        latency: latency(&control.latency),
        counters: (control.counters)(),
    }))
}

fn latency(latency: &latency::Latency) -> Latency {
    let last = |seconds| took(&latency.window(Duration::from_secs(seconds)));
    Latency { last_5s: last(5), last_60s: last(60) }
}

fn took(window: &latency::Window) -> Took {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Took {
        over_ms: u64::try_from(window.over.as_millis()).unwrap_or(u64::MAX),
        count: window.count,
        p50_us: us(window.p50),
        p99_us: us(window.p99),
        max_us: us(window.max),
    }
}

fn hold(current: &Current) -> Option<Hold> {
    let hold = current.gate().hold()?;
    let holders = current.holders().into_iter().take(WAITING_ENTRIES);
    Some(Hold {
        since_ms: since_epoch_ms(hold.since),
        until_ms: since_epoch_ms(hold.until),
        held: current.held(),
        under_way: holders.map(|holder| Waiting::from_holder(holder, Reason::UnderWay)).collect(),
    })
}

fn migration(rule: &Rule) -> Migration {
    let change = match &rule.change {
        Change::RenameColumn(pair)
        | Change::RenameInPlace(pair)
        | Change::ChangeColumn { columns: pair, .. } => {
            format!("{}.{} -> {}", pair.table, pair.from, pair.to)
        }
        Change::BackfillColumn(AddedColumn { table, column, value, .. }) => {
            format!("{table}.{column} = {value}")
        }
        Change::SplitTable(split) => {
            let columns: Vec<&str> = split.columns.pairs().map(|(from, _)| from).collect();
            format!("{} ({}) -> {}", split.table, columns.join(", "), split.into)
        }
        Change::MergeTables(merge) => {
            format!("{} -> {}", rule.change.tables().join(", "), merge.into)
        }
    };
    Migration {
        name: rule.name.clone(),
        kind: rule.change.kind().to_owned(),
        change,
        phase: rule.phase,
        in_place: matches!(rule.change, Change::RenameInPlace(_)),
    }
}

fn since_epoch_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
