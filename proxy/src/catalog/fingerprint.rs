//! Tells cheaply whether the catalog may have changed.

use tokio_postgres::{Client, Error};

use super::queries;

/// A text that differs from an earlier one if the catalog has changed in between; sometimes also
/// if it has not.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// Whatever the server or the connection says.
pub async fn fingerprint(client: &Client) -> Result<String, Error> {
    client.query_one(queries::FINGERPRINT, &[]).await?.try_get(0)
}
