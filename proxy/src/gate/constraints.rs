//! CHECK, foreign key and exclusion constraints: equivalents on the new column, validated.

use rewrite_rules::Phase;
use rewrite_rules::compile::renamed;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Row, Transaction};

use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Member, Move, Step, counterpart_name, free_name};

/// One constraint.
pub(super) struct Constraint {
    pub(super) table: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) valid: bool,
    /// From the table above.
    pub(super) inherited: bool,
    pub(super) columns: Vec<i16>,
    pub(super) referenced: u32,
    pub(super) referenced_columns: Vec<i16>,
    pub(super) actions: String,
    pub(super) set_columns: Vec<i16>,
    pub(super) definition: String,
    /// Of an exclusion constraint.
    pub(super) predicate: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Check,
    ForeignKey,
    Exclusion,
}

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let constraints = of_tables(transaction, &step.oids()).await?;
    let mut findings = Vec::new();
    for member in &step.members {
        let own: Vec<&Constraint> =
            constraints.iter().filter(|constraint| constraint.table == member.oid).collect();
        let (Some(old), Some(new)) = (member.old, member.new) else { continue };
        let numbers = (i16::try_from(old.number), i16::try_from(new.number));
        let (Ok(old), Ok(new)) = numbers else { continue };
        findings.extend(missing(step, member, &own, old, new));
        findings.extend(too_early(step, member, &own, new));
    }
    Ok(findings)
}

/// The CHECK, foreign key and exclusion constraints of these tables.
pub(super) async fn of_tables(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Vec<Constraint>, Error> {
    let rows = transaction.query(queries::CONSTRAINTS, &[&oids]).await?;
    rows.iter().map(constraint).collect()
}

fn constraint(row: &Row) -> Result<Constraint, Error> {
    let kind: &str = row.try_get(2)?;
    Ok(Constraint {
        table: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: match kind {
            "f" => Kind::ForeignKey,
            "x" => Kind::Exclusion,
            _check => Kind::Check,
        },
        valid: row.try_get(3)?,
        inherited: row.try_get(4)?,
        columns: row.try_get(5)?,
        referenced: row.try_get(6)?,
        referenced_columns: row.try_get(7)?,
        actions: row.try_get(8)?,
        set_columns: row.try_get(9)?,
        definition: row.try_get(10)?,
        predicate: row.try_get(11)?,
    })
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Check => "CHECK constraint",
            Self::ForeignKey => "foreign key",
            Self::Exclusion => "exclusion constraint",
        }
    }

    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::ForeignKey => "fkey",
            Self::Exclusion => "excl",
        }
    }
}

impl Constraint {
    /// What a foreign key does to its rows when the one that they refer to goes, as `pg_constraint` has it.
    pub(super) fn on_delete(&self) -> &str {
        self.actions.split(' ').nth(1).unwrap_or_default()
    }

    /// Whether by a foreign key rows go or change without a statement that names their table.
    pub(super) fn acts(&self) -> bool {
        self.kind == Kind::ForeignKey
            && self.actions.split(' ').take(2).any(|action| action != "a" && action != "r")
    }

    /// Whether a foreign key's rows follow those that they refer to, wherever they go.
    pub(super) fn cascades(&self) -> bool {
        self.actions.split(' ').take(2).all(|action| action == "c")
    }

    /// What a foreign key refers to, with the columns.
    pub(super) fn referred_table(&self) -> &str {
        let referred = self.definition.split_once(") REFERENCES ").map_or("", |(_, it)| it);
        let ends = [" MATCH ", " ON UPDATE ", " ON DELETE ", " DEFERRABLE", " INITIALLY "];
        let end = ends.iter().filter_map(|word| referred.find(word)).min();
        end.and_then(|end| referred.get(..end)).unwrap_or(referred)
    }

    /// Its definition, over columns of other names.
    pub(super) fn over(&self, names: &dyn Fn(&str) -> String) -> String {
        match (self.kind, self.definition.split_once(") REFERENCES ")) {
            // The table referred to may have columns of that name too.
            (Kind::ForeignKey, Some((own, other))) => {
                let (other, actions) = match other.split_once(" ON DELETE ") {
                    Some((other, actions)) => (other, format!(" ON DELETE {}", names(actions))),
                    None => (other, String::new()),
                };
                format!("{}) REFERENCES {other}{actions}", names(own))
            }
            (Kind::Check | Kind::ForeignKey | Kind::Exclusion, _) => names(&self.definition),
        }
    }

    /// The statements that give a table this one under another name and with another definition.
    pub(super) fn added_to(
        &self,
        (table, is_partitioned): (&str, bool),
        name: &str,
        definition: &str,
    ) -> Vec<String> {
        let name = quoted(name);
        let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}");
        let validate = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};");
        // A partitioned table's foreign key, and an exclusion constraint, cannot be had in two steps.
        let in_steps = match self.kind {
            Kind::Check => true,
            Kind::ForeignKey => !is_partitioned,
            Kind::Exclusion => false,
        };
        match in_steps {
            true if self.valid => vec![format!("{add} NOT VALID;"), validate],
            true => vec![format!("{add} NOT VALID;")],
            false => vec![format!("{add};")],
        }
    }

    /// Whether `new` promises the same of columns of other names and numbers.
    pub(super) fn is_matched_by(
        &self,
        new: &Self,
        names: &dyn Fn(&str) -> String,
        numbers: &dyn Fn(i16) -> i16,
    ) -> bool {
        let moved = |columns: &[i16]| -> Vec<i16> {
            columns.iter().map(|&number| numbers(number)).collect()
        };
        self.kind == new.kind
            && match self.kind {
                Kind::Check | Kind::Exclusion => self.over(names) == new.definition,
                Kind::ForeignKey => {
                    moved(&self.columns) == new.columns
                        && moved(&self.set_columns) == new.set_columns
                        && self.actions == new.actions
                        && (self.referenced, &self.referenced_columns)
                            == (new.referenced, &new.referenced_columns)
                }
            }
    }
}

/// Constraints of the old column without an equivalent, or with one that was never validated.
fn missing(
    step: &Step<'_>,
    member: &Member<'_>,
    own: &[&Constraint],
    from: i16,
    to: i16,
) -> Vec<Finding> {
    if step.to < Phase::SwitchReads {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut taken: Vec<String> = own.iter().map(|constraint| constraint.name.clone()).collect();
    let of_old = own.iter().filter(|it| !it.inherited && it.columns.contains(&from));
    for old in of_old {
        let declared = step.pair.constraints.get(&old.name);
        let is_declared = |new: &Constraint| {
            !step.keeps_values() && declared == Some(&new.name) && new.columns.contains(&to)
        };
        let names = |text: &str| renamed(text, &step.pair.from, &step.pair.to);
        let numbers = |number: i16| if number == from { to } else { number };
        let found =
            own.iter().filter(|new| is_declared(new) || old.is_matched_by(new, &names, &numbers));
        let (mut any, mut any_valid) = (None, false);
        for new in found {
            any = Some(new);
            any_valid |= new.valid;
        }
        match any {
            Some(_) if any_valid || !old.valid => {}
            Some(new) => findings.push(unvalidated(step, member, old, new)),
            None => {
                let wanted =
                    counterpart_name(&old.name, step.pair, &member.name.name, old.kind.suffix());
                let known: Vec<&str> = taken.iter().map(String::as_str).collect();
                let name = free_name(&wanted, &known);
                findings.push(absent(step, member, old, &name));
                taken.push(name);
            }
        }
    }
    findings
}

fn unvalidated(
    step: &Step<'_>,
    member: &Member<'_>,
    old: &Constraint,
    new: &Constraint,
) -> Finding {
    let message = format!(
        "{} \"{}\" on column \"{}\" of \"{}\" is NOT VALID, and \"{}\" on \"{}\" is valid",
        new.kind.name(),
        new.name,
        step.pair.to,
        member.name,
        old.name,
        step.pair.from
    );
    let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", member.sql, quoted(&new.name));
    step.finding(Severity::Risky, About::UnvalidatedConstraint, message, [validate])
}

fn absent(step: &Step<'_>, member: &Member<'_>, old: &Constraint, name: &str) -> Finding {
    let message = format!(
        "column \"{}\" of \"{}\" has no equivalent of {} \"{}\": {}",
        step.pair.to,
        member.name,
        old.kind.name(),
        old.name,
        old.definition
    );
    let names = |text: &str| renamed(text, &step.pair.from, &step.pair.to);
    let remedy = old.added_to((&member.sql, member.is_partitioned()), name, &old.over(&names));
    // Of a value in another form nobody knows what must hold: the file can tell.
    let severity = match old.kind {
        Kind::Check if !step.keeps_values() => Severity::Risky,
        Kind::Check | Kind::ForeignKey | Kind::Exclusion => Severity::LosesData,
    };
    step.finding(severity, About::MissingConstraint, message, remedy)
}

/// `CHECK (new IS NOT NULL)` before all rows have a value makes every other UPDATE of such a row fail.
fn too_early(
    step: &Step<'_>,
    member: &Member<'_>,
    own: &[&Constraint],
    to: i16,
) -> Option<Finding> {
    let wants_value = format!("{} IS NOT NULL", quoted(&step.pair.to));
    let check = own.iter().find(|it| {
        it.kind == Kind::Check
            && !it.valid
            && !it.inherited
            && it.columns.contains(&to)
            && it.definition.contains(&wants_value)
    });
    let check = check.filter(|_| step.way() == Move::WriteBoth)?;
    let message = format!(
        "CHECK constraint \"{}\" of \"{}\" wants a value in column \"{}\" before all rows have one: an UPDATE of another column of such a row would fail",
        check.name, member.name, step.pair.to
    );
    let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", member.sql, quoted(&check.name));
    Some(step.finding(Severity::Risky, About::UnvalidatedConstraint, message, [drop]))
}
