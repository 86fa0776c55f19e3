//! One connection of the application: sends a unit in its style and gives back the answers.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, Row, SimpleQueryMessage};

use super::plan::{Request, Style, Unit};
use super::record::{Cell, flag_text};
use super::refusal::Refusal;
use super::statement::{Json, Statement, Value};

/// An answer in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answer {
    /// Names of the columns; empty where the answer is a count only.
    pub(super) names: Vec<String>,
    /// Their types; empty where the protocol does not tell.
    pub(super) types: Vec<Type>,
    /// The rows.
    pub(super) rows: Vec<Vec<Cell>>,
    /// How many rows were written; `None` where the driver does not tell.
    pub(super) count: Option<u64>,
    /// What the server said instead.
    pub(super) refusal: Option<Refusal>,
}

type Answered<'a> =
    Pin<Box<dyn Future<Output = Result<Answer, tokio_postgres::Error>> + Send + 'a>>;

/// A connection with everything prepared.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    /// By their texts.
    prepared: HashMap<&'static str, tokio_postgres::Statement>,
    driver: JoinHandle<()>,
}

impl Session {
    /// Connects and prepares.
    ///
    /// Cancel safe: a connection that is not handed out is closed.
    pub(super) async fn open(
        config: &Config,
        statements: impl Iterator<Item = &'static Statement>,
    ) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // What ends the connection also fails the request that waits for it.
            connection.await.ok();
        });
        let mut session = Self { client, prepared: HashMap::new(), driver };
        for Statement { text, .. } in statements {
            if !session.prepared.contains_key(text) {
                let prepared = session.client.prepare(text).await?;
                session.prepared.insert(text, prepared);
            }
        }
        Ok(session)
    }

    /// Is the connection lost?
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends a unit; gives each request's answer in order.
    ///
    /// Cancel safety: what was sent will be carried out, its answers are lost; close the session.
    pub(super) async fn send(&self, unit: &Unit) -> Vec<Result<Answer, tokio_postgres::Error>> {
        // Polled in order, each request is on its way before the next is looked at.
        join_all(unit.requests.iter().map(|request| self.ask(unit.style, request))).await
    }

    fn ask<'a>(&'a self, style: Style, request: &'a Request) -> Answered<'a> {
        let ends_or_begins = request.statement.columns.is_empty() && request.values.is_empty();
        match style {
            Style::Simple => Box::pin(self.simple(request)),
            Style::Unnamed => Box::pin(self.unnamed(request)),
            Style::Transaction if ends_or_begins => Box::pin(self.simple(request)),
            Style::Prepared | Style::Pipelined | Style::Transaction => {
                Box::pin(self.prepared(request))
            }
        }
    }

    async fn simple(&self, request: &Request) -> Result<Answer, tokio_postgres::Error> {
        let text = request.statement.with_literals(&request.values);
        let mut answer = Answer::default();
        for message in self.client.simple_query(&text).await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    answer.names = columns.iter().map(|column| column.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    let cells = (0..row.len()).map(|at| row.try_get(at));
                    let cells = cells
                        .map(|cell| cell.map(|text| text.map(str::to_owned)))
                        .collect::<Result<_, _>>()?;
                    answer.rows.push(cells);
                }
                SimpleQueryMessage::CommandComplete(count) => answer.count = Some(count),
                _unknown_to_this_driver => {}
            }
        }
        Ok(answer)
    }

    async fn prepared(&self, request: &Request) -> Result<Answer, tokio_postgres::Error> {
        let Some(statement) = self.prepared.get(request.statement.text) else {
            return self.simple(request).await;
        };
        let values: Vec<_> = request.values.iter().map(Value::as_sql).collect();
        if request.statement.columns.is_empty() {
            return self.client.execute(statement, &values).await.map(Answer::count);
        }
        let rows = self.client.query(statement, &values).await?;
        Answer::rows(statement.columns(), &rows)
    }

    async fn unnamed(&self, request: &Request) -> Result<Answer, tokio_postgres::Error> {
        let values: Vec<_> = request
            .values
            .iter()
            .zip(request.statement.parameters)
            .map(|(value, type_)| (value.as_sql(), type_.clone()))
            .collect();
        let text = request.statement.text;
        if request.statement.columns.is_empty() {
            return self.client.execute_typed(text, &values).await.map(Answer::count);
        }
        let rows = self.client.query_typed(text, &values).await?;
        let columns = rows.first().map(Row::columns).unwrap_or_default();
        Answer::rows(columns, &rows)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Answer {
    fn count(count: u64) -> Self {
        Self { count: Some(count), ..Self::default() }
    }

    /// What the server said of a statement, unless the connection is to blame.
    pub(super) fn refused(error: &tokio_postgres::Error) -> Option<Self> {
        let refusal = Some(error.as_db_error()?.into());
        Some(Self { refusal, ..Self::default() })
    }

    fn rows(
        columns: &[tokio_postgres::Column],
        rows: &[Row],
    ) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            names: columns.iter().map(|column| column.name().to_owned()).collect(),
            types: columns.iter().map(|column| column.type_().clone()).collect(),
            rows: rows.iter().map(cells).collect::<Result<_, _>>()?,
            ..Self::default()
        })
    }
}

/// A row's cells in text form; a timestamp, which is not compared, as its type's name.
fn cells(row: &Row) -> Result<Vec<Cell>, tokio_postgres::Error> {
    let mut cells = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        let type_ = column.type_();
        cells.push(if *type_ == Type::INT8 {
            row.try_get::<_, Option<i64>>(at)?.map(|number| number.to_string())
        } else if *type_ == Type::INT4 {
            row.try_get::<_, Option<i32>>(at)?.map(|number| number.to_string())
        } else if *type_ == Type::BOOL {
            row.try_get::<_, Option<bool>>(at)?.map(|flag| flag_text(flag).to_owned())
        } else if *type_ == Type::VARCHAR || *type_ == Type::TEXT {
            row.try_get(at)?
        } else if *type_ == Type::JSONB {
            row.try_get::<_, Option<Json>>(at)?.map(|json| json.0)
        } else {
            Some(type_.name().to_owned())
        });
    }
    Ok(cells)
}
