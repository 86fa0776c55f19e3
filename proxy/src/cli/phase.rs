//! `segue phase`: has the running proxy take the step, edits the file, waits until the flip has drained.
//!
//! In that order: the proxy sees whatever changes in the file, and an edit that had to be taken back would be a step
//! that is asked for, and another one.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use rewrite_rules::Phase;

use super::fleet;
use super::status::not_answered;
use super::{ConfigFile, DONE, FAILED, NOT_DRAINED, complain, say};
use crate::admin::client::{AdminClient, ClientError};
use crate::admin::message::{Answer, Request, Status};
use crate::config::{Draft, duration, nearest};
use crate::journal::step::Cause;
use crate::phase::agree::Wanted;
use crate::phase::edit::Edit;
use crate::phase::stragglers::Ending;

/// Pause between two looks at a drain. Unit: milliseconds.
const LOOK_MS: u64 = 100;

/// How long those who were told to end are waited for. Unit: milliseconds.
const ENDED_MS: u64 = 5_000;

/// Usual patience with a drain, as the default of --drain-timeout. Unit: seconds.
const USUAL_DRAIN_S: u64 = 30;

/// How long the answer to a step may take until that is explained. Unit: milliseconds.
const SILENT_MS: u64 = 3_000;

/// Pause between two lists of who is waited for, when they differ. Unit: milliseconds.
const LIST_MS: u128 = 1_000;

/// Arguments of `segue phase`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The running proxy asks the gate first, as segue check does. Once the step is taken the \
                        file says so too; it keeps its comments and its formatting.\n\n\
                        Exit codes: 0 in force and drained, 1 refused or failed, 3 no proxy is \
                        running (nothing was changed), 4 in force, not drained in time"
)]
pub(super) struct Arguments {
    /// The migration
    name: String,
    /// The phase to enter: expand, dual-write, switch-reads, stop-dual-write or contract; of a
    /// backfill-column expand, backfill or enforce
    #[arg(value_parser = phase)]
    phase: Phase,
    #[command(flatten)]
    file: ConfigFile,
    /// Take the step although its gate is closed, where that is merely risky; the reason is logged
    #[arg(long, value_name = "REASON", value_parser = reason)]
    force: Option<String>,
    /// Why, for the history in the journal
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
    /// Wait until all replicas have drained, not only this one
    #[arg(long)]
    fleet: bool,
    /// How long to wait for the drain, like 500ms, 30s, 5m or 1h; 0s does not wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    drain_timeout: Duration,
    /// Wait for the drain as long as it takes
    #[arg(long, conflicts_with_all = ["drain_timeout", "Stragglers"])]
    wait: bool,
    #[command(flatten)]
    stragglers: Stragglers,
}

/// What becomes of those who are still waited for when the time is over.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
struct Stragglers {
    /// Cancel what those run who are still waited for when the time is over
    #[arg(long)]
    cancel_stragglers: bool,
    /// End the sessions of those who are still waited for when the time is over; their transactions
    /// are rolled back
    #[arg(long)]
    terminate_stragglers: bool,
}

impl Stragglers {
    fn ending(self) -> Option<Ending> {
        if self.terminate_stragglers {
            Some(Ending::Terminate)
        } else {
            self.cancel_stragglers.then_some(Ending::Cancel)
        }
    }
}

/// Reads a phase; a wrong one is told with the nearest spelling.
pub(super) fn phase(text: &str) -> Result<Phase, String> {
    text.parse().map_err(|unknown: rewrite_rules::phase::UnknownPhase| {
        let hint = match nearest(text, Phase::ALL.map(Phase::name)) {
            Some(phase) => format!("did you mean \"{phase}\"?"),
            None => format!("use one of \"{}\"", Phase::ALL.map(Phase::name).join("\", \"")),
        };
        format!("{unknown}\n  hint: {hint}")
    })
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("a step is not forced without a reason"),
        reason => Ok(reason.to_owned()),
    }
}

/// One step, with the patience that is usual.
pub(super) async fn step(file: &ConfigFile, name: &str, phase: Phase, why: Option<String>) -> u8 {
    take(Arguments {
        name: name.to_owned(),
        phase,
        file: file.clone(),
        force: None,
        why,
        fleet: false,
        drain_timeout: Duration::from_secs(USUAL_DRAIN_S),
        wait: false,
        stragglers: Stragglers { cancel_stragglers: false, terminate_stragglers: false },
    })
    .await
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    ExitCode::from(take(arguments).await)
}

/// Takes the step and waits. Gives the exit code.
async fn take(arguments: Arguments) -> u8 {
    let Arguments {
        name,
        phase,
        file,
        force,
        why,
        fleet: whole_fleet,
        drain_timeout,
        wait: without_end,
        stragglers,
    } = arguments;
    let patience = if without_end { Duration::MAX } else { drain_timeout };
    let draft = Draft::read(&file.config).await;
    let mut proxy = match AdminClient::connect(draft.admin_socket()).await {
        Ok(proxy) => proxy,
        Err(error) => {
            let code = not_answered(&error);
            complain("  hint: nothing was changed; start it with: segue serve");
            return code;
        }
    };
    let (from, epoch) = match proxy.status().await {
        Ok(status) => {
            let known = status.migrations.iter().find(|it| it.name == name);
            (known.map(|it| it.phase), status.epoch)
        }
        Err(error) => {
            let code = not_answered(&error);
            complain("  hint: nothing was changed");
            return code;
        }
    };
    let edit = match Edit::plan(&file.config, &name, phase) {
        Ok(edit) => edit,
        Err(error) => return failed(&error.to_string()),
    };
    if let Err(error) = edit.try_out() {
        return failed(&error.to_string());
    }
    let Cause { who, why } = fleet::cause(why);
    let step = Some(Wanted { migration: name.clone(), phase, from, epoch });
    let request = Request::Reload { step, force, who: Some(who), why };
    match reload(&mut proxy, request).await {
        Ok(Answer::Reloaded { forced, .. }) => {
            forced.iter().for_each(|closed| complain(&format!("forced, although {closed}")));
        }
        Ok(Answer::Refused { message } | Answer::Error { message }) => {
            complain(&message);
            return failed("  hint: nothing was changed");
        }
        Ok(Answer::InDoubt { message }) => {
            complain(&message);
            return failed("  hint: the file was not changed; see segue status");
        }
        Ok(Answer::Status(_) | Answer::Done {} | Answer::Ended { .. }) => {
            complain("the running segue gave the wrong answer");
            return failed("  hint: the file was not changed; see segue status");
        }
        Err(error) => {
            complain(&error.to_string());
            return failed("  hint: the file was not changed; see segue status");
        }
    }
    if let Err(error) = edit.apply() {
        complain(&error.to_string());
        return failed(&format!(
            "  hint: migration \"{name}\" is in phase \"{phase}\" all the same; have the file say so"
        ));
    }
    match wait(&mut proxy, &name, phase, patience, stragglers.ending()).await {
        Ok(DONE) if whole_fleet => wait_for_fleet(&draft, patience).await,
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            failed("  hint: the new phase was in force; see segue status")
        }
    }
}

fn failed(text: &str) -> u8 {
    complain(text);
    FAILED
}

/// Waits until all replicas have drained.
async fn wait_for_fleet(draft: &Draft, patience: Duration) -> u8 {
    let begun = Instant::now();
    let mut said = false;
    loop {
        let fleet = match fleet::read(draft).await {
            Ok(fleet) => fleet,
            Err(problem) => return failed(&problem),
        };
        let lagging: Vec<String> = fleet.lagging().map(ToString::to_string).collect();
        if lagging.is_empty() {
            say(&format!("drained on all replicas: {}\n", fleet.replicas.len()));
            return DONE;
        }
        let list: String = lagging.iter().map(|one| format!("\n  {one}")).collect();
        if begun.elapsed() >= patience {
            complain(&format!("not drained yet by all replicas{list}"));
            return NOT_DRAINED;
        }
        if !std::mem::replace(&mut said, true) {
            say(&format!("waiting for the other replicas{list}\n"));
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

/// Has the proxy take the step, and says why that takes long, if it does.
async fn reload(proxy: &mut AdminClient, request: Request) -> Result<Answer, ClientError> {
    let mut answer = std::pin::pin!(proxy.ask(request));
    tokio::select! {
        answer = &mut answer => return answer,
        () = tokio::time::sleep(Duration::from_millis(SILENT_MS)) => {}
    }
    say("still at it: the gate is asked, which may read the whole table, and then the fleet\n");
    answer.await
}

async fn wait(
    proxy: &mut AdminClient,
    name: &str,
    phase: Phase,
    mut patience: Duration,
    mut ending: Option<Ending>,
) -> Result<u8, ClientError> {
    let mut status = proxy.status().await?;
    if status.migrations.iter().find(|known| known.name == name).map(|known| known.phase)
        != Some(phase)
    {
        complain(&format!(
            "migration \"{name}\" is not in phase \"{phase}\": the file was changed again"
        ));
        return Ok(FAILED);
    }
    let generation = status.flip.generation;
    say(&format!("migration \"{name}\" is in phase \"{phase}\" (generation {generation})\n"));
    let begun = Instant::now();
    let mut listed: Option<(Instant, Vec<String>)> = None;
    while status.flip.drained_at_ms.is_none() && status.flip.generation == generation {
        if begun.elapsed() >= patience
            && let Some(how) = ending.take()
        {
            end_stragglers(proxy, how).await?;
            // They need a moment to be gone.
            patience = begun.elapsed().saturating_add(Duration::from_millis(ENDED_MS));
        } else if begun.elapsed() >= patience {
            complain(&format!(
                "not drained yet{}\n  hint: the new phase is in force; the next \
                 step and any backfill or DROP must wait: see segue status",
                who(&status).iter().map(|line| format!("\n  {line}")).collect::<String>()
            ));
            return Ok(NOT_DRAINED);
        }
        list(&status, &mut listed);
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        status = proxy.status().await?;
    }
    let took = status.flip.drained_at_ms.map_or(begun.elapsed(), |drained| {
        Duration::from_millis(drained.saturating_sub(status.flip.swapped_at_ms))
    });
    say(&format!("drained after {took:?}\n"));
    Ok(DONE)
}

/// Has the proxy end those who are waited for, and tells whom.
async fn end_stragglers(proxy: &mut AdminClient, how: Ending) -> Result<(), ClientError> {
    let verb = match how {
        Ending::Cancel => "cancelled",
        Ending::Terminate => "terminated",
    };
    match proxy.ask(Request::EndStragglers { how }).await? {
        Answer::Ended { signalled, left } => {
            signalled.iter().for_each(|one| say(&format!("{verb} {one}\n")));
            left.iter().for_each(|one| complain(&format!("not {verb}: {one}")));
            Ok(())
        }
        Answer::Error { message } | Answer::Refused { message } | Answer::InDoubt { message } => {
            Err(ClientError::Told(message))
        }
        Answer::Reloaded { .. } | Answer::Status(_) | Answer::Done {} => {
            Err(ClientError::NotUnderstood("it is not about stragglers".to_owned()))
        }
    }
}

/// Prints who is waited for: at once when it is somebody else than before, and not too often.
fn list(status: &Status, listed: &mut Option<(Instant, Vec<String>)>) {
    let keys: Vec<String> = status
        .flip
        .waiting
        .iter()
        .map(|waiting| format!("{} {}", waiting.pid, waiting.client))
        .chain(status.flip.problem.clone())
        .collect();
    let is_news = match listed {
        None => !keys.is_empty(),
        Some((at, known)) => *known != keys && at.elapsed().as_millis() >= LIST_MS,
    };
    if is_news {
        for line in who(status) {
            say(&format!("waiting for {line}\n"));
        }
        *listed = Some((Instant::now(), keys));
    }
}

fn who(status: &Status) -> Vec<String> {
    let problem = status.flip.problem.iter().map(|problem| format!("the server: {problem}"));
    status.flip.waiting.iter().map(ToString::to_string).chain(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_phase_is_told_with_the_nearest() {
        let message = "unknown phase \"dualwrite\"\n  hint: did you mean \"dual-write\"?";
        assert_eq!(phase("dualwrite"), Err(message.to_owned()));
    }
}
