//! `segue init`: makes the journal in the governed database, or brings it up to date.

use std::process::ExitCode;

use super::{ConfigFile, DONE, fail, say};
use crate::catalog;
use crate::config::{ControlUrl, Draft, control_url};
use crate::journal::{JournalError, schema};

/// Arguments of `segue init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It makes schema \"segue\" with its tables and lets the role of \"control\" \
                        use them, in one transaction; running it again is harmless. CREATE on the \
                        database is needed for that, which the role of \"control\" need not have: \
                        see --as.\n\nExit codes: 0 done, 1 failed"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Connect with this URL instead of "control": as the database's owner, say
    #[arg(long = "as", value_name = "URL")]
    owner: Option<String>,
    /// Make it although a publication is FOR ALL TABLES: its subscribers have the tables already
    #[arg(long)]
    published: bool,
    /// Print the SQL and run nothing
    #[arg(long)]
    print: bool,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    let Arguments { file, owner, published, print } = arguments;
    let draft = Draft::read(&file.config).await;
    let Some(control) = &draft.control else { return fail(&draft.report.to_string()) };
    let role = control.postgres.get_user().unwrap_or_default();
    if print {
        say(&schema::script(role));
        return ExitCode::from(DONE);
    }
    let owner = match owner.map(|url| control_url(&url)).transpose() {
        Ok(owner) => owner,
        Err(problem) => return fail(&format!("--as: {problem}")),
    };
    if let Some(owner) = owner.as_ref().filter(|owner| owner.database != control.database) {
        let (there, here) = (&owner.database, &control.database);
        return fail(&format!(
            "--as: names database \"{there}\", and \"control\" names \"{here}\""
        ));
    }
    match init(owner.as_ref().unwrap_or(control), role, published).await {
        Ok(0) => say(&format!("journal made in database \"{}\"\n", control.database)),
        Ok(schema::VERSION) => say("journal is there, and up to date\n"),
        Ok(found) => say(&format!("journal brought from version {found} to {}\n", schema::VERSION)),
        Err(problem) => return fail(&problem),
    }
    ExitCode::from(DONE)
}

async fn init(control: &ControlUrl, role: &str, published: bool) -> Result<i32, String> {
    let mut client = catalog::connect(control).await.map_err(|error| error.to_string())?;
    let done = catalog::in_time(schema::init(&mut client, role, published)).await;
    done.map_err(|silence| silence.to_string())?.map_err(|error| match error {
        JournalError::Denied(reason) => format!(
            "the journal could not be made: {reason}\n  hint: --as URL connects as the database's \
             owner; --print shows the SQL"
        ),
        JournalError::Failed(reason) => format!("the journal could not be made: {reason}"),
        error @ (JournalError::Absent(_)
        | JournalError::Version { .. }
        | JournalError::Published(_)
        | JournalError::Lost(_)) => error.with_hint(),
    })
}
