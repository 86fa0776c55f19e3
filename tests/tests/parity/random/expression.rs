//! Expressions of a wanted type, over what is in sight.

use super::Maker;
use super::schema::Type;

impl Maker<'_> {
    /// An expression. `depth` bounds what is nested in it.
    pub(super) fn expression(&mut self, kind: Type, depth: usize) -> String {
        if depth == 0 || !self.choices.chance(55) {
            return self.leaf(kind);
        }
        if self.choices.chance(8)
            && let Some(query) = self.scalar(kind, depth - 1)
        {
            return query;
        }
        match kind {
            Type::Int => self.int(depth - 1),
            Type::Text | Type::Other => self.text(depth - 1),
            Type::Bool => self.condition(depth),
            Type::Numeric => self.numeric(depth - 1),
            Type::Date => self.date(depth - 1),
            Type::Json => self.json(depth - 1),
            Type::Texts => self.texts(depth - 1),
            Type::State => self.state(depth - 1),
        }
    }

    /// A column, or else a literal.
    pub(super) fn leaf(&mut self, kind: Type) -> String {
        let literal = self.choices.chance(20);
        match self.column(kind) {
            Some(column) if !literal => column,
            _ => self.literal(kind),
        }
    }

    /// A literal, or a parameter that stands for one.
    pub(super) fn literal(&mut self, kind: Type) -> String {
        if self.choices.chance(4) {
            return format!("NULL::{}", kind.sql(self.world.state));
        }
        let value = match kind {
            Type::Int => self.choices.word(["1", "2", "3", "4", "30", "0"]),
            Type::Text | Type::Other => self.choices.any_word(self.world.texts),
            Type::Bool => self.choices.word(["true", "false"]),
            Type::Numeric => self.choices.word(["1.5", "10", "0.00", "120.00"]),
            Type::Date => self.choices.word(["2024-01-01", "2015-06-07"]),
            Type::Json => self.choices.any_word(self.world.objects),
            Type::Texts => self.choices.any_word(self.world.arrays),
            Type::State => self.choices.any_word(self.world.states),
        };
        if self.parameters && self.choices.chance(40) {
            self.values.push(Some(value.to_owned()));
            return format!("${}::{}", self.values.len(), kind.sql(self.world.state));
        }
        match kind {
            Type::Int | Type::Bool | Type::Numeric => value.to_owned(),
            Type::Text | Type::Other => {
                let value = value.replace('\'', "''");
                format!("'{value}'{}", if self.choices.chance(30) { "::text" } else { "" })
            }
            Type::Date | Type::Json | Type::Texts | Type::State => {
                format!("'{value}'::{}", kind.sql(self.world.state))
            }
        }
    }

    fn int(&mut self, depth: usize) -> String {
        let int = |maker: &mut Self| maker.expression(Type::Int, depth);
        match self.choices.below(10) {
            0 => format!("{} + {}", int(self), int(self)),
            1 => format!("length({})", self.expression(Type::Text, depth)),
            2 => format!("coalesce({}, {})", int(self), int(self)),
            3 => format!("({} - {})", int(self), int(self)),
            4 => self.case(Type::Int, depth),
            5 => format!("cardinality({})", self.expression(Type::Texts, depth)),
            6 => format!("greatest({}, {})", int(self), int(self)),
            7 => format!("nullif({}, {})", int(self), int(self)),
            8 => format!("strpos({}, 'a')", self.expression(Type::Text, depth)),
            _ => format!("-({})", int(self)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let text = |maker: &mut Self| maker.expression(Type::Text, depth);
        match self.choices.below(18) {
            0 => format!("{} || {}", text(self), text(self)),
            1 => format!("upper({})", text(self)),
            2 => format!("coalesce({}, {})", text(self), text(self)),
            3 => format!("left({}, {})", text(self), self.choices.word(["2", "3", "10"])),
            4 => self.case(Type::Text, depth),
            5 => format!("({})::text", self.expression(Type::Int, depth)),
            6 => {
                let object = self.expression(Type::Json, depth);
                format!("({object} ->> '{}')", self.world.field)
            }
            7 => format!("({})[1]", self.expression(Type::Texts, depth)),
            8 => format!("({})::text", self.expression(Type::State, depth)),
            9 => format!("shout({})", text(self)),
            10 => format!("nullif({}, {})", text(self), text(self)),
            11 => format!("substring({} FROM 1 FOR 3)", text(self)),
            12 => format!("concat({}, '/', {})", text(self), text(self)),
            13 => format!("trim(BOTH 'a' FROM {})", text(self)),
            14 => format!("CAST({} AS varchar(8))", text(self)),
            15 => format!("greatest({}, {})", text(self), text(self)),
            16 => format!("array_to_string({}, ',')", self.expression(Type::Texts, depth)),
            _ => format!("replace({}, 'a', {})", text(self), text(self)),
        }
    }

    fn numeric(&mut self, depth: usize) -> String {
        let numeric = |maker: &mut Self| maker.expression(Type::Numeric, depth);
        match self.choices.below(5) {
            0 => format!("{} + {}", numeric(self), numeric(self)),
            1 => format!("round({}, 1)", numeric(self)),
            2 => format!("({})::numeric", self.expression(Type::Int, depth)),
            // Of what is simplified when it is planned the modifier is that of what is left: see docs/limits.md.
            3 => format!("coalesce({}, {}) + 0", numeric(self), numeric(self)),
            _ => format!("{} + 0", self.case(Type::Numeric, depth)),
        }
    }

    fn date(&mut self, depth: usize) -> String {
        let date = self.expression(Type::Date, depth);
        match self.choices.below(2) {
            0 => format!("{date} + {}", self.choices.word(["1", "30"])),
            _ => format!("coalesce({date}, {})", self.expression(Type::Date, depth)),
        }
    }

    fn json(&mut self, depth: usize) -> String {
        match self.choices.below(5) {
            0 => format!("jsonb_build_object('k', {})", self.expression(Type::Text, depth)),
            1 => format!("to_jsonb({})", self.expression(Type::Texts, depth)),
            2 => {
                let (one, other) = (self.leaf(Type::Json), self.leaf(Type::Json));
                format!("{one} || {other}")
            }
            3 => format!("coalesce({}, '{{}}')", self.leaf(Type::Json)),
            _ => match self.some_table_alias() {
                Some(alias) => format!("to_jsonb({alias})"),
                None => self.leaf(Type::Json),
            },
        }
    }

    fn texts(&mut self, depth: usize) -> String {
        match self.choices.below(4) {
            0 => {
                let (one, other) =
                    (self.expression(Type::Text, depth), self.expression(Type::Text, depth));
                format!("ARRAY[{one}, {other}]::text[]")
            }
            1 => format!(
                "array_append({}, {}::text)",
                self.leaf(Type::Texts),
                self.operand(Type::Text, depth)
            ),
            2 => format!("{} || {}", self.leaf(Type::Texts), self.leaf(Type::Texts)),
            _ => format!("string_to_array({}, 'a')", self.expression(Type::Text, depth)),
        }
    }

    fn state(&mut self, depth: usize) -> String {
        match self.choices.below(2) {
            0 => {
                let (one, other) = (self.leaf(Type::State), self.leaf(Type::State));
                format!("coalesce({one}, {other})")
            }
            _ => self.case(Type::State, depth),
        }
    }

    fn case(&mut self, kind: Type, depth: usize) -> String {
        let (one, other) = (self.expression(kind, depth), self.expression(kind, depth));
        if self.choices.chance(30) {
            let (subject, value) = (self.leaf(Type::Text), self.leaf(Type::Text));
            return format!("CASE {subject} WHEN {value} THEN {one} ELSE {other} END");
        }
        format!("CASE WHEN {} THEN {one} ELSE {other} END", self.condition(depth))
    }

    /// An operand that keeps together whatever stands beside it.
    pub(super) fn operand(&mut self, kind: Type, depth: usize) -> String {
        let text = self.expression(kind, depth);
        match text.contains(' ') {
            true => format!("({text})"),
            false => text,
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self, depth: usize) -> String {
        let kind = *self.choices.one_of(&Type::USED[..6]).unwrap_or(&Type::Text);
        let deeper = depth.saturating_sub(1);
        let one = self.operand(kind, deeper);
        match self.choices.below(if depth == 0 { 6 } else { 15 }) {
            0 => format!("{one} = {}", self.operand(kind, deeper)),
            1 => {
                let operator = self.choices.word(["<>", "<", "<=", ">", ">="]);
                format!("{one} {operator} {}", self.operand(kind, deeper))
            }
            2 => format!("{one} IS {}NULL", self.choices.word(["", "NOT "])),
            3 => format!(
                "{} {}LIKE '{}'",
                self.operand(Type::Text, deeper),
                self.choices.word(["", "NOT ", "I"]).replace('I', "NOT "),
                self.choices.word(["a%", "%o%", "%-0_"])
            ),
            4 => format!("{one} IN ({}, {})", self.leaf(kind), self.leaf(kind)),
            5 => format!("{one} IS DISTINCT FROM {}", self.leaf(kind)),
            6 => format!("({} AND {})", self.condition(deeper), self.condition(deeper)),
            7 => format!("({} OR {})", self.condition(deeper), self.condition(deeper)),
            8 => format!("NOT ({})", self.condition(deeper)),
            9 => format!("EXISTS ({})", self.any_rows(deeper)),
            10 => format!("{one} IN ({})", self.one_column(kind, deeper)),
            11 => format!("{one} BETWEEN {} AND {}", self.leaf(kind), self.leaf(kind)),
            12 => {
                let text = self.operand(Type::Text, deeper);
                format!("{text} = ANY ({})", self.leaf(Type::Texts))
            }
            13 => {
                let other = self.operand(Type::Text, deeper);
                let (a, b) = (self.leaf(kind), self.leaf(Type::Text));
                format!("({one}, {other}) = ({a}, {b})")
            }
            _ => match self.some_table_alias() {
                Some(alias) => format!("{alias} IS NOT NULL"),
                None => format!("{one} IS NULL"),
            },
        }
    }

    /// The alias of a base table at the innermost level.
    pub(super) fn some_table_alias(&mut self) -> Option<String> {
        let tables: Vec<String> = self
            .sources()
            .iter()
            .filter(|source| source.table.is_some())
            // A column of that name would be meant instead.
            .filter(|source| self.levels.iter().all(|level| level.count(&source.alias) == 0))
            .map(|source| source.alias.clone())
            .collect();
        self.choices.one_of(&tables).cloned()
    }
}
