//! Pools of Python drivers, and pgbench, that go on while the phases go by and DDL runs in between:
//! no error, and no statement whose result type has changed.

use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use segue_tests::programs::{missing, program, python};
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, eventually};

use super::way::{Moment, walk};

/// A program that goes on until it is told to stop.
struct Lasting {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: std::fs::File,
}

impl Lasting {
    fn start(command: &mut Command, proxy: &Proxy) -> Self {
        let errors = tempfile::tempfile().expect("a temporary file");
        let mut child = command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", proxy.port().to_string())
            .env("PGUSER", proxy.database().superuser())
            .env("PGDATABASE", &proxy.database().name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("a second handle"))
            .spawn()
            .expect("a program that starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("its output"));
        Self { child, input, output: BufReader::new(output), errors }
    }

    /// What it has complained of.
    fn complaints(&mut self) -> String {
        let mut text = String::new();
        self.errors.rewind().expect("a file");
        self.errors.read_to_string(&mut text).expect("a file");
        text
    }

    /// Waits until each of its workers has done some more.
    fn round(&mut self, place: &str) {
        let input = self.input.as_mut().expect("it is not told to stop");
        let asked = input.write_all(b"go on\n").and_then(|()| input.flush());
        let mut answer = String::new();
        let answered = self.output.read_line(&mut answer);
        assert!(
            asked.is_ok() && answered.is_ok() && answer == "good\n",
            "{place}: {answer:?}\n{}",
            self.complaints()
        );
    }

    /// Tells it to stop, and wants a good end.
    fn stop(mut self) {
        self.input = None;
        let status = self.child.wait().expect("an end");
        assert!(status.success(), "{status}\n{}", self.complaints());
        assert_eq!(self.complaints(), "");
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a script of workers through all phases.
fn through_all_phases(modules: &str, script: &str) {
    let Some(python) = python(modules) else { return missing(modules) };
    let script = format!("{}\n{script}", include_str!("rounds.py"));
    let mut lasting: Option<Lasting> = None;
    walk(|proxy, moment| match moment {
        Moment::Start => {
            let start = || Lasting::start(Command::new(&python).args(["-c", &script]), proxy);
            lasting.get_or_insert_with(start).round("at the start");
        }
        Moment::Before | Moment::Swapped => {}
        Moment::There(phase, ddl) => {
            let place = format!("{phase} after {ddl:?}");
            lasting.as_mut().expect("it was started").round(&place);
        }
        Moment::End => lasting.take().expect("it was started").stop(),
    });
}

#[test]
fn a_pool_of_psycopg_goes_through_all_phases() {
    through_all_phases("psycopg", include_str!("psycopg_pool.py"));
}

#[test]
fn a_pool_of_asyncpg_goes_through_all_phases() {
    through_all_phases("asyncpg", include_str!("asyncpg_pool.py"));
}

#[test]
fn a_pool_of_sqlalchemy_goes_through_all_phases() {
    through_all_phases("psycopg, sqlalchemy", include_str!("sqlalchemy_pool.py"));
}

/// Rows that pgbench has written so far.
fn written(database: &Database) -> usize {
    let count = database.connect().rows("SELECT sum(length(email)) FROM users WHERE id > 9000");
    count.concat().parse().unwrap_or(0)
}

#[test]
fn pgbench_with_prepared_statements_goes_through_all_phases() {
    let Some(pgbench) = program("pgbench") else { return missing("pgbench") };
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    let text = "\\set id 9000 + :client_id * 100 + random(1, 50)\n\
        \\set n random(1, 1000000000)\n\
        BEGIN;\n\
        INSERT INTO users VALUES (:id, 'bench-' || :id::text || '-' || :n::text, 'x') \
        ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username, email = users.email || 'x' RETURNING *;\n\
        SELECT * FROM users WHERE username = 'bench-' || :id::text || '-' || :n::text;\n\
        UPDATE users SET username = username || '-more' WHERE id = :id RETURNING username;\n\
        END;\n\
        SELECT username, u.* FROM users u WHERE id = :id;\n\
        \\sleep 20 ms\n";
    std::fs::write(script.path(), text).expect("a temporary file");
    let mut lasting: Option<Lasting> = None;
    let mut before = 0;
    let mut goes_on = |lasting: &mut Option<Lasting>, proxy: &Proxy, place: &str| {
        let lasting = lasting.as_mut().expect("it was started");
        eventually("pgbench goes on", || {
            let ended = lasting.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{place}: {ended:?}\n{}", lasting.complaints());
            written(proxy.database()) > before + 20
        });
        before = written(proxy.database());
    };
    walk(|proxy, moment| match moment {
        Moment::Start => {
            let mut command = Command::new(&pgbench);
            command.args(["-n", "-c", "4", "-T", "3600", "-P", "1", "-M", "prepared", "-f"]);
            lasting = Some(Lasting::start(command.arg(script.path()), proxy));
            goes_on(&mut lasting, proxy, "at the start");
        }
        Moment::Before | Moment::Swapped => {}
        Moment::There(phase, ddl) => {
            goes_on(&mut lasting, proxy, &format!("{phase} after {ddl:?}"));
        }
        Moment::End => {
            // It has no end that can be asked for, so what it said so far must do.
            let mut lasting = lasting.take().expect("it was started");
            let said = lasting.complaints();
            let odd: Vec<&str> = said
                .lines()
                .filter(|line| !(line.starts_with("progress: ") && line.ends_with(", 0 failed")))
                .collect();
            assert_eq!(odd, [""; 0]);
            assert!(said.contains("progress: "), "{said:?}");
        }
    });
}
