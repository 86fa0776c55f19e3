//! What the server tells of how it feels, and what the proxy tells of how its clients do.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Error};

use crate::latency::Latency;

/// One look at the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signals {
    /// Sessions that wait for a lock of the backfill.
    pub blocked: u32,
    /// The most that a standby is behind. Unit: seconds.
    pub lag_s: f64,
    /// The same. Unit: bytes.
    pub lag_bytes: i64,
    /// A replication slot that is about to lose what it needs.
    pub slot_at_risk: Option<String>,
    /// A replication slot that nobody reads, and that keeps more WAL than the server would without end. Its name, and
    /// how much. Unit: bytes.
    pub slot_unread: Option<(String, i64)>,
    /// Whether WAL cannot be archived.
    pub archiver_fails: bool,
    /// WAL since the last checkpoint or the last look, whichever was less. 0 while there is not much
    /// since that checkpoint: after one everything writes whole pages for a while. Unit: bytes per second.
    pub wal_rate: f64,
    /// What the server can write until the next checkpoint is due before it has to hurry. Unit: bytes per
    /// second.
    pub wal_allowed: f64,
    /// Age of the oldest snapshot that is not the backfill's own. Unit: seconds.
    pub oldest_s: f64,
    /// Who holds that: pid and application.
    pub oldest_by: Option<String>,
    /// Share of dead rows in the table.
    pub dead_share: f64,
    /// 99th percentile that clients of the proxy see. Unit: microseconds.
    pub p99_us: Option<u64>,
}

/// What clients of the proxy saw in the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Requests that were answered.
    pub count: u64,
    /// 99th percentile. Unit: microseconds.
    pub p99_us: u64,
}

impl Seen {
    /// What the clients of this proxy saw in the last `length`.
    #[must_use]
    pub fn of(latency: &Latency, length: Duration) -> Self {
        let window = latency.window(length);
        let p99_us = u64::try_from(window.p99.as_micros()).unwrap_or(u64::MAX);
        Self { count: window.count, p99_us }
    }
}

/// The WAL positions of the last looks, to know the rate, and for how long a standby has not come to one.
#[derive(Debug, Default)]
pub struct Watch {
    /// The oldest one first.
    looks: VecDeque<(Instant, i64)>,
}

/// Looks that are remembered: half a minute of them, longer than any lag that makes a difference.
const REMEMBERED: usize = 60;

/// Share of what may be written between two checkpoints from which on it is worth to ask how fast.
const MUCH_WAL: f64 = 0.25;

/// `$1`: pids of the workers, `$2`: oids of the tables. Replication slots hold snapshots too. The lag that the
/// server measures stays what it was while a standby says nothing, and for a while once it has caught up.
const LOOK: &str = "
    SELECT (SELECT count(*) FROM pg_stat_activity a
            WHERE a.wait_event_type = 'Lock' AND pg_blocking_pids(a.pid) && $1::int4[])::int4,
           coalesce((SELECT max(extract(epoch FROM r.replay_lag)) FROM pg_stat_replication r
                     WHERE r.replay_lsn < pg_current_wal_lsn()), 0)::float8,
           (SELECT min(pg_wal_lsn_diff(r.replay_lsn, '0/0')) FROM pg_stat_replication r)::int8,
           (SELECT min(r.slot_name) FROM pg_replication_slots r, pg_settings s
            WHERE s.name = 'max_slot_wal_keep_size' AND r.wal_status <> 'lost'
              AND (r.wal_status = 'unreserved' OR r.safe_wal_size < s.setting::float8 * 1048576 / 4)),
           EXISTS (SELECT FROM pg_stat_archiver
                   WHERE last_failed_time > coalesce(last_archived_time, '-infinity')
                     AND last_failed_time > clock_timestamp() - interval '5 min'),
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8,
           pg_wal_lsn_diff(pg_current_wal_lsn(), checkpoint.redo_lsn)::float8,
           greatest(extract(epoch FROM clock_timestamp() - checkpoint.checkpoint_time), 1)::float8,
           (SELECT setting::float8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size')
           / (SELECT 1 + setting::float8 FROM pg_settings WHERE name = 'checkpoint_completion_target'),
           (SELECT setting::float8 FROM pg_settings WHERE name = 'checkpoint_timeout'),
           old.age, old.who,
           coalesce((SELECT max(s.n_dead_tup / greatest(s.n_live_tup, c.reltuples, 1)::float8)
                     FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
                     WHERE s.relid = ANY ($2::oid[])), 0),
           unread.slot_name, unread.kept
    FROM pg_control_checkpoint() checkpoint LEFT JOIN LATERAL (
        SELECT r.slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), r.restart_lsn)::int8 AS kept
        FROM pg_replication_slots r
        WHERE NOT r.active AND r.wal_status = 'extended' AND r.safe_wal_size IS NULL
        ORDER BY r.restart_lsn LIMIT 1) unread ON true LEFT JOIN LATERAL (
        SELECT extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
               format('pid %s, %s', a.pid, coalesce(nullif(a.application_name, ''), 'without a name')) AS who
        FROM pg_stat_activity a
        WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.xact_start IS NOT NULL
          AND a.pid <> ALL ($1::int4[]) AND a.pid <> pg_backend_pid()
          AND a.backend_type <> 'autovacuum worker'
        ORDER BY a.xact_start LIMIT 1) old ON true";

impl Watch {
    /// Looks at the server.
    ///
    /// Cancel safe: it only reads.
    ///
    /// # Errors
    /// The server's.
    pub async fn look(
        &mut self,
        client: &Client,
        workers: &[i32],
        tables: &[u32],
    ) -> Result<Signals, Error> {
        let row = client.query_one(LOOK, &[&workers, &tables]).await?;
        let position: i64 = row.try_get(5)?;
        let now = Instant::now();
        let wal_now = match self.looks.back() {
            Some((then, before)) => per_second(position.saturating_sub(*before), now - *then),
            None => 0.0,
        };
        let (lag_s, replayed): (f64, Option<i64>) = (row.try_get(1)?, row.try_get(2)?);
        let lag_s = replayed.map_or(lag_s, |replayed| lag_s.max(self.behind(replayed, now)));
        self.remember((now, position));
        let (since_checkpoint, seconds): (f64, f64) = (row.try_get(6)?, row.try_get(7)?);
        let (wal_between, due_s): (f64, f64) = (row.try_get(8)?, row.try_get(9)?);
        let is_much = since_checkpoint > wal_between * MUCH_WAL;
        let wal_rate = if is_much { wal_now.min(since_checkpoint / seconds) } else { 0.0 };
        Ok(Signals {
            blocked: u32::try_from(row.try_get::<_, i32>(0)?).unwrap_or(0),
            lag_s,
            lag_bytes: replayed.map_or(0, |replayed| position.saturating_sub(replayed)),
            slot_at_risk: row.try_get(3)?,
            slot_unread: row.try_get::<_, Option<String>>(13)?.zip(row.try_get(14)?),
            archiver_fails: row.try_get(4)?,
            wal_rate,
            wal_allowed: wal_between / due_s.max(1.0),
            oldest_s: row.try_get::<_, Option<f64>>(10)?.unwrap_or(0.0),
            oldest_by: row.try_get(11)?,
            dead_share: row.try_get(12)?,
            p99_us: None,
        })
    }

    /// For how long what was written before has not been replayed, at least. Unit: seconds.
    fn behind(&self, replayed: i64, now: Instant) -> f64 {
        let missed = self.looks.iter().find(|(_, position)| *position > replayed);
        missed.map_or(0.0, |(then, _)| (now - *then).as_secs_f64())
    }

    fn remember(&mut self, look: (Instant, i64)) {
        if self.looks.len() >= REMEMBERED {
            self.looks.pop_front();
        }
        self.looks.push_back(look);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
fn per_second(bytes: i64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { bytes as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_that_says_nothing_is_behind_since_the_first_look_that_it_missed() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let at = |looks: u32| start + Duration::from_millis(500) * looks;
        for (look, position) in (0..4).zip([100, 200, 200, 300]) {
            watch.remember((at(look), position));
        }
        let behind = [99, 100, 199, 200, 299, 300, 301].map(|at_last| watch.behind(at_last, at(4)));
        assert_eq!(behind, [2.0, 1.5, 1.5, 0.5, 0.5, 0.0, 0.0]);
        for look in 4..100 {
            watch.remember((at(look), 400));
        }
        assert_eq!(watch.behind(0, at(100)), 30.0, "what is forgotten was longer ago");
    }
}
