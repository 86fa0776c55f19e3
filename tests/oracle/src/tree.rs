//! PostgreSQL's own parse trees, without places and without what has its default value.
//!
//! `pg_query` gives a tree as nested messages; here it is nodes with a tag and fields, lists, and
//! values, so that two trees can be walked side by side without a line per kind of node.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::Value;

/// A part of a parse tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A node or message, with the fields that are set.
    Node(String, BTreeMap<String, Tree>),
    /// A list of nodes.
    List(Vec<Tree>),
    /// A name, number, flag or enum value.
    Leaf(Value),
}

thread_local! {
    /// Expressions that were read already.
    static KNOWN: RefCell<HashMap<String, Tree>> = RefCell::new(HashMap::new());
}

/// Messages that are no nodes: what a field of that name holds.
const MESSAGES: [(&str, &str); 13] = [
    ("larg", "SelectStmt"),
    ("rarg", "SelectStmt"),
    ("relation", "RangeVar"),
    ("rel", "RangeVar"),
    ("alias", "Alias"),
    ("join_using_alias", "Alias"),
    ("with_clause", "WithClause"),
    ("on_conflict_clause", "OnConflictClause"),
    ("infer", "InferClause"),
    ("into_clause", "IntoClause"),
    ("type_name", "TypeName"),
    ("returning_clause", "ReturningClause"),
    ("over", "WindowDef"),
];

/// A part of a [`Tree::Node`] of kind `ColumnRef`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An identifier, as the catalog has it.
    Name(String),
    /// `*`.
    Star,
}

/// The statements of `text`.
///
/// # Errors
/// PostgreSQL's own syntax error.
pub fn parse(text: &str) -> Result<Vec<Tree>, String> {
    let parsed = pg_query::parse(text).map_err(|error| error.to_string())?;
    let statements = parsed.protobuf.stmts.iter().map(|raw| {
        let value = serde_json::to_value(&raw.stmt).map_err(|error| error.to_string())?;
        lean("stmt", value).ok_or_else(|| "an empty statement".to_owned())
    });
    statements.collect()
}

/// The tree of an expression.
///
/// # Errors
/// A text that is no expression.
pub fn expression(text: &str) -> Result<Tree, String> {
    // The same few formulas are asked for again and again.
    if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
        return Ok(known);
    }
    let found = read_expression(text)?;
    KNOWN.with_borrow_mut(|known| known.insert(text.to_owned(), found.clone()));
    Ok(found)
}

fn read_expression(text: &str) -> Result<Tree, String> {
    let statements = parse(&format!("SELECT {text}"))?;
    let target = statements.first().and_then(|select| select.list("target_list").first());
    let value = target.and_then(|target| target.field("val"));
    value.cloned().ok_or_else(|| format!("no expression: {text}"))
}

/// The tree of a type's name, as in `x::type`.
///
/// # Errors
/// A text that is no type.
pub fn type_name(text: &str) -> Result<Tree, String> {
    let cast = expression(&format!("NULL::{text}"))?;
    cast.field("type_name").cloned().ok_or_else(|| format!("no type: {text}"))
}

/// A tree with a value in the place of every parameter.
#[must_use]
pub fn with_parameters(formula: &Tree, value: &Tree) -> Tree {
    replaced(formula, "ParamRef", value)
}

/// A tree with a value in the place of every column.
#[must_use]
pub fn with_columns(formula: &Tree, value: &Tree) -> Tree {
    replaced(formula, "ColumnRef", value)
}

fn replaced(tree: &Tree, tag: &str, value: &Tree) -> Tree {
    match tree {
        node if node.is(tag) => value.clone(),
        Tree::Node(tag_of_node, fields) => {
            let fields = fields.iter().map(|(name, it)| (name.clone(), replaced(it, tag, value)));
            Tree::Node(tag_of_node.clone(), fields.collect())
        }
        Tree::List(items) => {
            Tree::List(items.iter().map(|item| replaced(item, tag, value)).collect())
        }
        Tree::Leaf(leaf) => Tree::Leaf(leaf.clone()),
    }
}

/// Leaves out places, and fields that are as if they had not been written.
fn lean(key: &str, value: Value) -> Option<Tree> {
    match value {
        Value::Null => None,
        Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let nothing = || Tree::Leaf(Value::Null);
            Some(Tree::List(
                items.into_iter().map(|item| lean(key, item).unwrap_or_else(nothing)).collect(),
            ))
        }
        Value::Object(mut object) => {
            if object.len() == 1
                && let Some(node) = object.remove("node")
            {
                return lean(key, node);
            }
            let variant = object.len() == 1
                && object.iter().all(|(name, inner)| {
                    name.starts_with(|c: char| c.is_ascii_uppercase()) && inner.is_object()
                });
            if variant {
                let (tag, inner) = object.into_iter().next()?;
                return Some(node(tag, inner));
            }
            let tag = MESSAGES.iter().find(|(field, _)| *field == key);
            Some(node(tag.map_or(key, |(_, tag)| tag).to_owned(), Value::Object(object)))
        }
        value => Some(Tree::Leaf(value)),
    }
}

fn node(tag: String, fields: Value) -> Tree {
    let Value::Object(fields) = fields else { return Tree::Node(tag, BTreeMap::new()) };
    let fields = fields
        .into_iter()
        .filter(|(name, _)| !name.ends_with("location") && name != "stmt_len")
        .filter_map(|(name, value)| lean(&name, value).map(|tree| (name, tree)))
        .collect();
    Tree::Node(tag, fields)
}

impl Tree {
    /// The kind of node; nothing for lists and values.
    #[must_use]
    pub fn tag(&self) -> &str {
        match self {
            Self::Node(tag, _) => tag,
            Self::List(_) | Self::Leaf(_) => "",
        }
    }

    /// Whether it is a node of that kind.
    #[must_use]
    pub fn is(&self, tag: &str) -> bool {
        self.tag() == tag
    }

    /// A field that is set.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Node(_, fields) => fields.get(name),
            Self::List(_) | Self::Leaf(_) => None,
        }
    }

    /// The items of a list that a field holds.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Self] {
        match self.field(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// The text that a field holds, empty if it is not set.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.field(name) {
            Some(Self::Leaf(Value::String(text))) => text,
            _ => "",
        }
    }

    /// The number that a field holds, 0 if it is not set.
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        match self.field(name) {
            Some(Self::Leaf(Value::Number(number))) => number.as_i64().unwrap_or(0),
            _ => 0,
        }
    }

    /// A node with another list in one of its fields.
    #[must_use]
    pub fn with_list(&self, field: &str, items: Vec<Self>) -> Self {
        self.with(field, Self::List(items))
    }

    /// A node with another part in one of its fields.
    #[must_use]
    pub fn with(&self, field: &str, part: Self) -> Self {
        match self {
            Self::Node(tag, fields) => {
                let mut fields = fields.clone();
                fields.insert(field.to_owned(), part);
                Self::Node(tag.clone(), fields)
            }
            Self::List(_) | Self::Leaf(_) => self.clone(),
        }
    }

    /// A node without one of its fields.
    #[must_use]
    pub fn without(&self, field: &str) -> Self {
        match self {
            Self::Node(tag, fields) => {
                let mut fields = fields.clone();
                fields.remove(field);
                Self::Node(tag.clone(), fields)
            }
            Self::List(_) | Self::Leaf(_) => self.clone(),
        }
    }

    /// A query without LIMIT and OFFSET.
    #[must_use]
    pub fn without_limit(&self) -> Self {
        match self {
            Self::Node(tag, fields) => {
                let mut fields = fields.clone();
                fields.retain(|name, _| name != "limit_count" && name != "limit_offset");
                fields.entry("limit_option".to_owned()).and_modify(|it| *it = Self::Leaf(1.into()));
                Self::Node(tag.clone(), fields)
            }
            Self::List(_) | Self::Leaf(_) => self.clone(),
        }
    }

    /// The names of the fields that are set.
    #[must_use]
    pub fn field_names(&self) -> Vec<&str> {
        match self {
            Self::Node(_, fields) => fields.keys().map(String::as_str).collect(),
            Self::List(_) | Self::Leaf(_) => Vec::new(),
        }
    }

    /// The names of a list of `String` nodes.
    #[must_use]
    pub fn names(&self, field: &str) -> Vec<String> {
        self.list(field).iter().map(|name| name.text("sval").to_owned()).collect()
    }

    /// The parts of a column reference.
    #[must_use]
    pub fn column(&self) -> Option<Vec<Part>> {
        let part = |part: &Self| match part.tag() {
            "AStar" => Part::Star,
            _ => Part::Name(part.text("sval").to_owned()),
        };
        self.is("ColumnRef").then(|| self.list("fields").iter().map(part).collect())
    }

    /// The name of an unqualified column reference.
    #[must_use]
    pub fn bare_column(&self) -> Option<String> {
        match self.column()?.as_slice() {
            [Part::Name(name)] => Some(name.clone()),
            _ => None,
        }
    }

    /// An integer literal.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        let value = self.field("val").filter(|value| self.is("AConst") && value.is("Ival"));
        value.map(|value| value.number("ival"))
    }

    /// This part and every part of it that is a node, from the outside inwards.
    pub fn nodes(&self) -> impl Iterator<Item = &Self> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            loop {
                let next = open.pop()?;
                match next {
                    Self::Node(_, fields) => {
                        open.extend(fields.values().rev());
                        return Some(next);
                    }
                    Self::List(items) => open.extend(items.iter().rev()),
                    Self::Leaf(_) => {}
                }
            }
        })
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(value) => write!(f, "{value}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Node(tag, fields) => {
                write!(f, "{tag}{{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let space = if index > 0 { " " } else { "" };
                    write!(f, "{space}{name}={value}")?;
                }
                f.write_str("}")
            }
        }
    }
}
