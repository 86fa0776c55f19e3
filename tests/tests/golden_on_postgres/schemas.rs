//! The catalogs that the books' schemas are believed to make, beside those that they make.

use segue_tests::golden::read_books;
use segue_tests::golden::schema::catalog_of;
use segue_tests::server::{Database, cluster, run};
use tokio_postgres::NoTls;

use super::quoted;

/// The runner without a server believes `schema.rs`; here it is held against the real catalog.
#[test]
fn the_books_know_their_schemas_as_the_server_does() {
    let mut schemas: Vec<String> = read_books()
        .expect("the books can be read")
        .iter()
        .flat_map(|book| book.cases.iter().map(|case| case.schema.clone()))
        .collect();
    schemas.sort();
    schemas.dedup();
    let mut report = Vec::new();
    for schema in schemas {
        let believed = catalog_of(&schema).expect("a schema that is understood");
        let database = Database::create("catalog", "");
        for name in believed.relations.keys() {
            let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(&name.schema));
            database.connect().script(&create);
        }
        database.connect().script(&schema);
        let real = run(async {
            let config = cluster().superuser(&database.name);
            let (mut client, connection) = config.connect(NoTls).await.expect("the superuser");
            tokio::spawn(connection);
            segue::catalog::load(&mut client).await.expect("the catalog")
        });
        for (name, believed) in &believed.relations {
            let mut real = real.relation(name).cloned();
            if let Some(relation) = &mut real {
                relation.oids = believed.oids;
            }
            for column in real.iter_mut().flat_map(|relation| &mut relation.columns) {
                // No book renames a column that a foreign key of another table refers to.
                column.dependents.retain(|dependent| !dependent.starts_with("constraint "));
            }
            if real.as_ref() != Some(believed) {
                report.push(format!("{name}\n  believed {believed:?}\n  real     {real:?}"));
            }
        }
        for (name, believed) in &believed.functions {
            // A book may name a function that only its own schema has.
            if real.functions.get(name).is_some_and(|real| real != believed) {
                let real = real.functions.get(name);
                report.push(format!("{name}(): believed {believed:?}, real {real:?}"));
            }
        }
    }
    report.dedup();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}
