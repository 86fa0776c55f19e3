//! Who may come in: passwords are between client and server, TLS ends at the proxy.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use segue::cluster::{Cluster, ClusterOptions};
use segue::upstream::Upstream;
use segue_tests::relay::{Relay, ungoverned};
use segue_tests::server::{run, start};
use segue_tests::wire::{Login, Wire, socket};
use tokio_postgres::NoTls;
use tokio_rustls::TlsAcceptor;

/// SSLRequest: length and code (PostgreSQL manual, "Message Formats").
pub(crate) const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn upstream(cluster: &Cluster) -> Upstream {
    Upstream::Tcp { host: "127.0.0.1".to_owned(), port: cluster.port(), tls: None }
}

#[test]
fn passwords_are_checked_by_the_server_in_every_way_it_knows() {
    for method in ["scram-sha-256", "md5", "password"] {
        let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
        let cluster = start(ClusterOptions {
            hba: vec![format!("host all all 127.0.0.1/32 {method}")],
            settings: vec![("password_encryption".to_owned(), encryption.to_owned())],
            ..ClusterOptions::default()
        });
        let relay = Relay::before(upstream(&cluster), "postgres", ungoverned(), None);
        run(async {
            let (admin, connection) =
                cluster.superuser("postgres").connect(NoTls).await.expect("the superuser");
            tokio::spawn(connection);
            admin.batch_execute("CREATE ROLE app LOGIN PASSWORD 'secret'").await.expect("a role");
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(relay.port).user("app").dbname("postgres");
            for (password, code) in [("secret", None), ("wrong", Some("28P01"))] {
                let result = config.clone().password(password).connect(NoTls).await;
                let found = match result {
                    Ok((client, connection)) => {
                        tokio::spawn(connection);
                        let row = client.query_one("SELECT current_user::text", &[]).await;
                        assert_eq!(row.expect("a row").get::<_, String>(0), "app");
                        None
                    }
                    Err(error) => error.code().map(|code| code.code().to_owned()),
                };
                assert_eq!(found.as_deref(), code, "{method} with \"{password}\"");
            }
        });
        relay.stop();
        run(cluster.stop());
    }
}

/// A certificate for `localhost`, its acceptor, and what a client must trust.
pub(crate) fn certificate() -> (TlsAcceptor, Arc<rustls::ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a certificate that fits its key");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let client =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), Arc::new(client))
}

#[test]
fn tls_ends_at_the_proxy() {
    let cluster = start(ClusterOptions::default());
    let (acceptor, client) = certificate();
    let relay = Relay::before(upstream(&cluster), "postgres", ungoverned(), Some(acceptor));
    let mut socket = socket(relay.port);
    socket.write_all(&SSL_REQUEST).expect("a listener");
    let mut answer = [0];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, *b"S");
    let name = ServerName::try_from("localhost").expect("a name");
    let session = rustls::ClientConnection::new(client, name).expect("a TLS session");
    let stream = rustls::StreamOwned::new(session, socket);
    let login = Login::at(relay.port, "postgres", "postgres");
    let (mut wire, error) = login.try_connect_over(Wire::over(Box::new(stream)));
    assert_eq!(error, None);
    let big = wire.script("SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
    assert_eq!(big.rows().len(), 3000);
    // A client that does not ask for TLS is served without.
    assert_eq!(login.connect().rows("SELECT 1"), ["1"]);
    drop(wire);
    relay.stop();
    run(cluster.stop());
}

#[test]
fn without_a_certificate_tls_is_declined_and_the_session_goes_on() {
    let cluster = start(ClusterOptions::default());
    let relay = Relay::before(upstream(&cluster), "postgres", ungoverned(), None);
    let mut socket = socket(relay.port);
    socket.write_all(&SSL_REQUEST).expect("a listener");
    let mut answer = [0];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, *b"N");
    let login = Login::at(relay.port, "postgres", "postgres");
    let (mut wire, error) = login.try_connect_over(Wire::over(Box::new(socket)));
    assert_eq!(error, None);
    assert_eq!(wire.rows("SELECT 1"), ["1"]);
    drop(wire);
    relay.stop();
    run(cluster.stop());
}

/// CVE-2021-23214: what was sent in plaintext before the handshake must not count as said under TLS.
#[test]
fn plaintext_before_the_tls_handshake_is_not_believed() {
    let cluster = start(ClusterOptions::default());
    let (acceptor, _) = certificate();
    let relay = Relay::before(upstream(&cluster), "postgres", ungoverned(), Some(acceptor));
    let mut socket = socket(relay.port);
    let startup = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    socket.write_all(&[&SSL_REQUEST, startup.as_slice()].concat()).expect("a listener");
    let mut answer = Vec::new();
    // The proxy may hang up with or without a word; it must not start a session.
    let _ = socket.read_to_end(&mut answer);
    assert!(!answer.contains(&b'Z') && !answer.contains(&b'R'), "{answer:?}");
    relay.stop();
    run(cluster.stop());
}
