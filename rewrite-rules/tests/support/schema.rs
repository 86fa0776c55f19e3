//! A catalog from DDL text, as PostgreSQL would store what the DDL makes.
//!
//! It knows the DDL that the books use and refuses the rest by name, so a book never rests on a
//! table that is not what it says. `segue-tests` compares the result with the catalog of a real
//! server for every schema of every book.

use std::collections::BTreeSet;

use rewrite_rules::catalog::{
    Catalog, Column, ColumnDefault, Identity, Key, Relation, RelationKind, RelationName, Volatility,
};
use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CreateIndex,
    CreateTable, CreateView, Expr, FunctionBehavior, GeneratedAs, Ident, IndexColumn, ObjectName,
    SelectItem, SetExpr, Statement, TableConstraint, TableFactor, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::format_type::{format_type, without_typmod};

/// Longest name that PostgreSQL keeps (`NAMEDATALEN` - 1). Unit: bytes.
const NAME_BYTES: usize = 63;

/// Functions of `pg_catalog` that the books call, with `max(provolatile)` over their overloads.
pub const FUNCTIONS: [(&str, Volatility); 60] = [
    ("abs", Volatility::Immutable),
    ("age", Volatility::Stable),
    ("array_agg", Volatility::Immutable),
    ("array_length", Volatility::Immutable),
    ("avg", Volatility::Immutable),
    ("btrim", Volatility::Immutable),
    ("ceil", Volatility::Immutable),
    ("char_length", Volatility::Immutable),
    ("chr", Volatility::Immutable),
    ("clock_timestamp", Volatility::Volatile),
    ("concat", Volatility::Stable),
    ("concat_ws", Volatility::Stable),
    ("count", Volatility::Immutable),
    ("current_database", Volatility::Stable),
    ("current_setting", Volatility::Stable),
    ("currval", Volatility::Volatile),
    ("date_trunc", Volatility::Stable),
    ("dense_rank", Volatility::Immutable),
    ("encode", Volatility::Immutable),
    ("first_value", Volatility::Immutable),
    ("floor", Volatility::Immutable),
    ("format", Volatility::Stable),
    ("gen_random_uuid", Volatility::Volatile),
    ("generate_series", Volatility::Stable),
    ("initcap", Volatility::Immutable),
    ("json_agg", Volatility::Stable),
    ("json_build_object", Volatility::Stable),
    ("jsonb_agg", Volatility::Stable),
    ("jsonb_build_object", Volatility::Stable),
    ("lag", Volatility::Immutable),
    ("left", Volatility::Immutable),
    ("length", Volatility::Stable),
    ("lower", Volatility::Immutable),
    ("lpad", Volatility::Immutable),
    ("max", Volatility::Immutable),
    ("md5", Volatility::Immutable),
    ("min", Volatility::Immutable),
    ("nextval", Volatility::Volatile),
    ("now", Volatility::Stable),
    ("random", Volatility::Volatile),
    ("rank", Volatility::Immutable),
    ("regexp_replace", Volatility::Immutable),
    ("repeat", Volatility::Immutable),
    ("replace", Volatility::Immutable),
    ("reverse", Volatility::Immutable),
    ("right", Volatility::Immutable),
    ("round", Volatility::Immutable),
    ("row_number", Volatility::Immutable),
    ("row_to_json", Volatility::Stable),
    ("rtrim", Volatility::Immutable),
    ("split_part", Volatility::Immutable),
    ("string_agg", Volatility::Immutable),
    ("substr", Volatility::Immutable),
    ("substring", Volatility::Immutable),
    ("sum", Volatility::Immutable),
    ("to_char", Volatility::Stable),
    ("to_jsonb", Volatility::Stable),
    ("translate", Volatility::Immutable),
    ("unnest", Volatility::Immutable),
    ("upper", Volatility::Immutable),
];

/// The catalog of a database in which `ddl` was executed.
///
/// # Errors
/// DDL that cannot be read, or that this module does not know, by its text.
pub fn catalog_of(ddl: &str) -> Result<Catalog, String> {
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(100)
        .try_with_sql(ddl)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| format!("the schema cannot be read: {error}"))?;
    let mut catalog = Catalog {
        functions: FUNCTIONS
            .into_iter()
            .map(|(name, volatility)| (name.to_owned(), volatility))
            .collect(),
        ..Catalog::default()
    };
    for statement in statements {
        match statement {
            Statement::CreateTable(table) => create_table(&mut catalog, &table)?,
            Statement::CreateIndex(index) => create_index(&mut catalog, &index)?,
            Statement::AlterTable(table) => alter_table(&mut catalog, &table)?,
            Statement::CreateView(view) => create_view(&mut catalog, &view)?,
            Statement::CreateFunction(function) => {
                let volatility = match function.behavior {
                    Some(FunctionBehavior::Immutable) => Volatility::Immutable,
                    Some(FunctionBehavior::Stable) => Volatility::Stable,
                    Some(FunctionBehavior::Volatile) | None => Volatility::Volatile,
                };
                let name = relation_name(&function.name)?.name;
                let known = catalog.functions.entry(name).or_insert(volatility);
                *known = volatility.max(*known);
            }
            // What fills tables or says who may touch them leaves the catalog as it is.
            Statement::Insert(_) | Statement::Update { .. } | Statement::Grant { .. } => {}
            Statement::CreateSequence { .. }
            | Statement::CreateSchema { .. }
            | Statement::CreateType { .. }
            | Statement::CreateDomain { .. } => {}
            other => return Err(format!("the schema holds what no book needed yet: {other}")),
        }
    }
    Ok(catalog)
}

fn create_table(catalog: &mut Catalog, table: &CreateTable) -> Result<(), String> {
    let name = relation_name(&table.name)?;
    let mut relation = Relation {
        attribute_count: 0,
        kind: if table.partition_by.is_some() {
            RelationKind::PartitionedTable
        } else {
            RelationKind::Table
        },
        columns: Vec::new(),
        keys: Vec::new(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: rewrite_rules::catalog::Oids::default(),
    };
    let parents = table.inherits.iter().flatten().chain(&table.partition_of);
    for parent in parents {
        let parent_name = relation_name(parent)?;
        let parent = catalog.relations.get_mut(&parent_name).ok_or_else(|| {
            format!("\"{name}\" inherits from \"{parent_name}\", which is not there")
        })?;
        parent.children.push(name.clone());
        relation.columns.extend(parent.columns.iter().cloned());
        relation.attribute_count = parent.attribute_count;
    }
    for column in &table.columns {
        add_column(&mut relation, &name, column)?;
    }
    for constraint in &table.constraints {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                let columns = key_columns(&key.columns)?;
                add_key(&mut relation, &name, key.name.as_ref(), true, columns);
            }
            TableConstraint::Unique(key) => {
                let columns = key_columns(&key.columns)?;
                add_key(&mut relation, &name, key.name.as_ref(), false, columns);
            }
            TableConstraint::Check(_) | TableConstraint::ForeignKey(_) => {}
            other => return Err(format!("no book needed this constraint yet: {other}")),
        }
    }
    catalog.relations.insert(name, relation);
    Ok(())
}

fn alter_table(catalog: &mut Catalog, table: &AlterTable) -> Result<(), String> {
    let name = relation_name(&table.name)?;
    let relation =
        catalog.relations.get_mut(&name).ok_or_else(|| format!("\"{name}\" is not there"))?;
    for operation in &table.operations {
        match operation {
            AlterTableOperation::AddColumn { column_def, .. } => {
                add_column(relation, &name, column_def)?;
            }
            AlterTableOperation::DropColumn { column_names, .. } => {
                let dropped: Vec<String> = column_names.iter().map(folded).collect();
                relation.columns.retain(|column| !dropped.contains(&column.name));
                relation.keys.retain(|key| !key.columns.iter().any(|name| dropped.contains(name)));
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                let column_name = folded(column_name);
                let column = relation.columns.iter_mut().find(|column| column.name == column_name);
                alter_column(column.ok_or_else(|| format!("no column \"{column_name}\""))?, op)?;
            }
            other => return Err(format!("no book needed this yet: ALTER TABLE {other}")),
        }
    }
    Ok(())
}

fn alter_column(column: &mut Column, operation: &AlterColumnOperation) -> Result<(), String> {
    match operation {
        AlterColumnOperation::SetNotNull => column.not_null = true,
        AlterColumnOperation::DropNotNull => column.not_null = false,
        AlterColumnOperation::DropDefault => column.default = None,
        AlterColumnOperation::SetDefault { value } => {
            column.default = default_of(value, &column.base_type)?;
        }
        other => return Err(format!("no book needed this yet: ALTER COLUMN {other}")),
    }
    Ok(())
}

fn add_column(
    relation: &mut Relation,
    table: &RelationName,
    definition: &ColumnDef,
) -> Result<(), String> {
    let name = folded(&definition.name);
    let written = definition.data_type.to_string();
    let (serial, type_name) = match written.to_ascii_lowercase().as_str() {
        "smallserial" | "serial2" => (true, "smallint".to_owned()),
        "serial" | "serial4" => (true, "integer".to_owned()),
        "bigserial" | "serial8" => (true, "bigint".to_owned()),
        _ => (false, format_type(&written)),
    };
    let mut column = Column {
        base_type: without_typmod(&type_name),
        behind_domain: None,
        name: name.clone(),
        number: relation.attribute_count + 1,
        type_name,
        collation: None,
        not_null: serial,
        default: serial.then(|| ColumnDefault {
            expression: format!("nextval('{}.{}_{name}_seq'::regclass)", table.schema, table.name),
            volatility: Volatility::Volatile,
        }),
        generated: false,
        identity: None,
        dependents: BTreeSet::new(),
        views: BTreeSet::new(),
    };
    let mut keys = Vec::new();
    for option in &definition.options {
        match &option.option {
            ColumnOption::NotNull => column.not_null = true,
            ColumnOption::Null | ColumnOption::Check(_) | ColumnOption::ForeignKey(_) => {}
            ColumnOption::Default(expression) => {
                column.default = default_of(expression, &column.base_type)?;
            }
            ColumnOption::PrimaryKey(_) => {
                column.not_null = true;
                keys.push((option.name.clone(), true));
            }
            ColumnOption::Unique(_) => keys.push((option.name.clone(), false)),
            ColumnOption::Collation(collation) => {
                column.collation = collation.0.last().and_then(|part| part.as_ident()).map(folded);
            }
            ColumnOption::Generated { generated_as, generation_expr, .. } => {
                match (generated_as, generation_expr) {
                    (GeneratedAs::ExpStored, _) | (_, Some(_)) => column.generated = true,
                    (GeneratedAs::Always, None) => column.identity = Some(Identity::Always),
                    (GeneratedAs::ByDefault, None) => column.identity = Some(Identity::ByDefault),
                }
                column.not_null |= column.identity.is_some();
            }
            other => return Err(format!("no book needed this column option yet: {other}")),
        }
    }
    relation.attribute_count = column.number;
    relation.columns.push(column);
    for (constraint, primary) in keys {
        add_key(relation, table, constraint.as_ref(), primary, vec![name.clone()]);
    }
    Ok(())
}

fn create_index(catalog: &mut Catalog, index: &CreateIndex) -> Result<(), String> {
    let table = relation_name(&index.table_name)?;
    let relation = catalog
        .relations
        .get_mut(&table)
        .ok_or_else(|| format!("an index on \"{table}\", which is not there"))?;
    // Only unique indexes over plain columns are keys, see `Key::columns`.
    if index.unique {
        let Ok(columns) = key_columns(&index.columns) else { return Ok(()) };
        let name = match &index.name {
            Some(name) => relation_name(name)?.name,
            None => free_name(relation, &table.name, &columns.join("_"), "idx"),
        };
        let keys = match index.predicate {
            Some(_) => &mut relation.conditional,
            None => &mut relation.keys,
        };
        keys.push(Key { name, primary: false, constraint: false, columns });
    }
    Ok(())
}

/// A view that lists columns of one table.
fn create_view(catalog: &mut Catalog, view: &CreateView) -> Result<(), String> {
    let unknown = || format!("no book needed a view like this yet: {view}");
    let SetExpr::Select(select) = view.query.body.as_ref() else { return Err(unknown()) };
    let [from] = select.from.as_slice() else { return Err(unknown()) };
    let (TableFactor::Table { name, .. }, true) = (&from.relation, from.joins.is_empty()) else {
        return Err(unknown());
    };
    let table_name = relation_name(name)?;
    let name = relation_name(&view.name)?;
    let mut columns = Vec::new();
    let table = catalog.relations.get_mut(&table_name).ok_or_else(unknown)?;
    for item in &select.projection {
        let (SelectItem::UnnamedExpr(Expr::Identifier(column))
        | SelectItem::ExprWithAlias { expr: Expr::Identifier(column), .. }) = item
        else {
            return Err(unknown());
        };
        let source = folded(column);
        let column = table.columns.iter_mut().find(|known| known.name == source);
        let column = column.ok_or_else(unknown)?;
        let label = match item {
            SelectItem::ExprWithAlias { alias, .. } => folded(alias),
            _ => source,
        };
        let number = u16::try_from(columns.len() + 1).map_err(|error| error.to_string())?;
        columns.push(Column {
            name: label,
            number,
            not_null: false,
            default: None,
            generated: false,
            identity: None,
            views: BTreeSet::new(),
            dependents: BTreeSet::new(),
            ..column.clone()
        });
        column.dependents.insert(format!("view {name}"));
        if !view.materialized {
            column.views.insert(name.clone());
        }
    }
    let kind = if view.materialized { RelationKind::MaterializedView } else { RelationKind::View };
    let relation = Relation {
        attribute_count: u16::try_from(columns.len()).map_err(|error| error.to_string())?,
        kind,
        columns,
        keys: Vec::new(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: rewrite_rules::catalog::Oids::default(),
    };
    catalog.relations.insert(name, relation);
    Ok(())
}

fn add_key(
    relation: &mut Relation,
    table: &RelationName,
    constraint: Option<&Ident>,
    primary: bool,
    columns: Vec<String>,
) {
    let name = match constraint {
        Some(name) => folded(name),
        None if primary => free_name(relation, &table.name, "", "pkey"),
        None => free_name(relation, &table.name, &columns.join("_"), "key"),
    };
    if primary {
        for column in &mut relation.columns {
            column.not_null |= columns.contains(&column.name);
        }
    }
    relation.keys.push(Key { name, primary, constraint: true, columns });
}

/// PostgreSQL's `ChooseRelationName`: table, columns and a label, cut to fit and made unique.
fn free_name(relation: &Relation, table: &str, columns: &str, label: &str) -> String {
    let made = |number: usize| {
        let suffix = if number == 0 { format!("_{label}") } else { format!("_{label}{number}") };
        let (mut table, mut columns) = (table.to_owned(), columns.to_owned());
        let joint = usize::from(!columns.is_empty());
        while table.len() + columns.len() + joint + suffix.len() > NAME_BYTES {
            if table.len() > columns.len() {
                table.pop()
            } else {
                columns.pop()
            };
        }
        if columns.is_empty() {
            format!("{table}{suffix}")
        } else {
            format!("{table}_{columns}{suffix}")
        }
    };
    (0..)
        .map(made)
        .find(|name| !relation.keys.iter().any(|key| key.name == *name))
        .unwrap_or_default()
}

fn key_columns(columns: &[IndexColumn]) -> Result<Vec<String>, String> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(name) => Ok(folded(name)),
            other => Err(format!("a key over an expression: {other}")),
        })
        .collect()
}

/// A default as `pg_get_expr` prints it, `None` for NULL, which PostgreSQL does not store.
fn default_of(expression: &Expr, base_type: &str) -> Result<Option<ColumnDefault>, String> {
    let default =
        |expression: String, volatility| Ok(Some(ColumnDefault { expression, volatility }));
    match expression {
        Expr::Value(value) => match &value.value {
            Value::Null => Ok(None),
            Value::Boolean(truth) => default(truth.to_string(), Volatility::Immutable),
            Value::Number(number, _) => default(number.clone(), Volatility::Immutable),
            Value::SingleQuotedString(text) => {
                let quoted = text.replace('\'', "''");
                default(format!("'{quoted}'::{base_type}"), Volatility::Immutable)
            }
            other => Err(format!("no book needed this default yet: {other}")),
        },
        Expr::Function(function) => {
            let printed = function.to_string().to_lowercase();
            let name = printed.split('(').next().unwrap_or_default().to_owned();
            let volatility = FUNCTIONS
                .into_iter()
                .find(|(known, _)| *known == name)
                .map_or(Volatility::Volatile, |(_, volatility)| volatility);
            match name.as_str() {
                "current_timestamp" | "current_date" => {
                    default(name.to_uppercase(), Volatility::Stable)
                }
                _ => default(printed, volatility),
            }
        }
        other => Err(format!("no book needed this default yet: {other}")),
    }
}

/// `schema.name` or `name` in `public`.
fn relation_name(name: &ObjectName) -> Result<RelationName, String> {
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect();
    match parts.as_slice() {
        [name] => Ok(RelationName::new("public", name)),
        [schema, name] => Ok(RelationName::new(schema, name)),
        _ => Err(format!("not a relation's name: {name}")),
    }
}

/// The name as the catalog stores it.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_none() { name.value.to_ascii_lowercase() } else { name.value.clone() }
}
