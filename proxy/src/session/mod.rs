//! One session: the loop that carries frames both ways and rewrites the statements among them.
//!
//! A session is one client connection and one server connection, served by one task. [`serve`]
//! tells its story: connect, log in, converse, say goodbye. Reading order:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `link` | the two sockets, and the one place where a session waits |
//! | `login` | authentication, relayed as it is |
//! | `conversation` | the core: bytes of one peer in, bytes for the other out, no IO |
//! | `request`, `response` | what becomes of each message of the client's, of the server's |
//! | `transaction` | the generation held, from a transaction's first message to its end |
//! | `plan` | what a text becomes; asking the server |
//! | `names` | what unqualified names mean in this session |
//! | `search_path` | whether a SET of the search path changes it |
//! | `statements` | the client's prepared statements, and what the server has confirmed of them |
//! | `version` | what one was prepared from, and in which words it stands |
//! | `portals` | what must be remembered of portals |
//! | `usage` | what the use of one meets: it stands, or must be prepared again, or is refused |
//! | `renewal` | the messages that prepare it again |
//! | `sql_prepared` | what PREPARE, EXECUTE and DEALLOCATE in the client's texts do to them |
//! | `executed` | the answers to what a text executes |
//! | `reply` | the replies that the server still owes |
//! | `answer` | answers made to fit what the client sent |
//! | `patch` | errors made to fit what the client sent |
//! | `names_in_reports`, `report_scope` | the names in them, and whose each is |
//! | `upsert` | INSERT … ON CONFLICT that a mirrored unique index may reject by mistake |
//! | `retry` | sending it again |
//! | `copy_in` | the rows of a COPY, and the statements that are sent around one of the client's |
//! | `copy` | rows that are extended as they pass |
//! | `stop` | the proxy's end, which a busy session sees too |
//! | `stopwatch` | how long each request took |
//! | [`counters`] | what all sessions together have done |

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use self::conversation::{Conversation, Violation};
use self::link::{Peer, Rooms, WAITING_BYTES, exchange, poll_exchange, wake};
use self::login::Login;
pub use self::stop::SHUTDOWN_GRACE_MS;
use self::stop::Stop;
use crate::client::ClientStream;
use crate::client::listener::Front;
use crate::phase::generation::Occupant;
use crate::upstream::{self, ServerStream};
use crate::wire::compose::{self, Complaint};
use crate::wire::startup::{self, Parameters};

pub mod counters;

mod answer;
mod conversation;
mod copy;
mod copy_in;
mod executed;
mod link;
mod login;
mod names;
mod names_in_reports;
mod patch;
mod plan;
mod portals;
mod renewal;
mod reply;
mod report_scope;
mod request;
mod response;
mod retry;
mod search_path;
mod sql_prepared;
mod statements;
mod stop;
mod stopwatch;
mod taken_key;
mod transaction;
mod upsert;
mod usage;
mod version;

#[cfg(test)]
pub(crate) mod tests;

/// How long a closing session tries to get its last bytes out, and waits for the client to have
/// read them: closing at once would reset the connection and destroy them. Unit: milliseconds.
const FAREWELL_DEADLINE_MS: u64 = 5_000;

type Client = Peer<ClientStream>;
type Server = Peer<ServerStream>;

impl Client {
    fn is_encrypted(&self) -> bool {
        matches!(self.stream(), ClientStream::Tls(_))
    }
}

impl Server {
    fn is_encrypted(&self) -> bool {
        matches!(self.stream(), ServerStream::Tls(_))
    }
}

/// How a session ended.
#[derive(Debug)]
enum End {
    /// The server closed, or the client is gone.
    Closed,
    /// The proxy was told to stop.
    Stopped,
    /// One side broke the protocol.
    Violated(Violation),
}

/// Serves one client until either side closes.
///
/// Cancel safety: dropping the future closes both connections.
pub async fn serve(
    stream: ClientStream,
    packet: Bytes,
    address: SocketAddr,
    front: &Arc<Front>,
    shutdown: watch::Receiver<bool>,
) {
    let mut client = Peer::counted(stream, Arc::clone(&front.counters.bytes_to_client));
    let mut server = match upstream::connect(&front.upstream).await {
        Ok(server) => Peer::counted(server, Arc::clone(&front.counters.bytes_to_server)),
        Err(error) => {
            tracing::warn!(%address, %error, "no server for a client");
            let complaint = Complaint::fatal("08006", error.to_string())
                .hint("Is the server running, and does \"upstream\" name its address?");
            client.output.put(&complaint.to_bytes());
            say_goodbye(&mut client, None).await;
            return;
        }
    };
    counters::bump(&front.counters.sessions_opened);
    let parameters = startup::parameters(&packet);
    server.output.put(&packet);
    let mut stop = Stop::new(shutdown);
    let (end, between_frames, conversation) =
        log_in_and_relay(&mut client, &mut server, parameters, address, front, &mut stop).await;
    if let End::Violated(violation) = &end {
        tracing::warn!(%address, %violation, "session ended by a protocol violation");
    }
    // In the middle of a message of the server's there is no place for one of ours.
    if between_frames && let Some(complaint) = complaint(&end) {
        client.output.put(&complaint.to_bytes());
        server.output.put(&compose::terminate());
    }
    // A server that closed has ended its transaction before: a drain need not wait for the client.
    let conversation = conversation.filter(|_| !server.ended);
    say_goodbye(&mut client, Some(&mut server)).await;
    if let Some(conversation) = conversation
        && !matches!(end, End::Stopped)
        && !conversation.at_rest()
    {
        outlive(&mut server, &mut stop).await;
    }
    counters::bump(&front.counters.sessions_closed);
}

/// Waits until the server has closed too. Its statement goes on without the client and may still
/// commit in the words of the generation that the session holds, so a drain must wait for it. A proxy that
/// stops waits no longer than it does for sessions that have their client.
///
/// Cancel safety: dropping the future lets go of the server.
async fn outlive<S: AsyncRead + AsyncWrite + Unpin>(server: &mut Peer<S>, stop: &mut Stop) {
    let mut absent = Peer::new(tokio::io::empty());
    while !server.ended && !stop.is_over() {
        // Before the wait: what the session has left may be as much as is ever read ahead.
        server.input.clear();
        tokio::select! {
            biased;
            () = exchange(&mut absent, server, Rooms { client: 0, server: WAITING_BYTES }) => {}
            () = stop.changed() => {}
        }
    }
}

/// What the client is told at the end, if the server has not told it already.
fn complaint(end: &End) -> Option<Complaint> {
    match end {
        End::Closed => None,
        End::Stopped => {
            Some(Complaint::fatal("57P01", "terminating connection due to administrator command"))
        }
        End::Violated(violation) => Some(Complaint::fatal("08P01", violation.to_string())),
    }
}

/// Logs in and relays. Also says whether a message of our own may follow.
async fn log_in_and_relay(
    client: &mut Client,
    server: &mut Server,
    parameters: Parameters,
    address: SocketAddr,
    front: &Arc<Front>,
    stop: &mut Stop,
) -> (End, bool, Option<Conversation>) {
    let can_bind = client.is_encrypted() || !server.is_encrypted();
    let login = tokio::select! {
        login = login::relay(client, server, can_bind) => login,
        () = stop.changed() => return (End::Stopped, server.input.is_empty(), None),
    };
    let backend_pid = match login {
        Ok(Login::Done { backend_pid }) => backend_pid,
        Ok(Login::Refused) => return (End::Closed, false, None),
        Err(violation) => return (End::Violated(violation), true, None),
    };
    if parameters.replication || parameters.database != front.governed_database {
        return (relay_unread(client, server, stop).await, false, None);
    }
    let seat = front.current.sit(Occupant {
        client: address.to_string(),
        user: parameters.user,
        database: parameters.database,
        application_name: parameters.application_name,
        backend_pid,
    });
    let mut conversation =
        Conversation::new(seat, Arc::clone(&front.counters), Arc::clone(&front.latency));
    let end = match converse(client, server, &mut conversation, stop).await {
        Ok(end) => end,
        Err(violation) => End::Violated(violation),
    };
    (end, conversation.between_server_frames(), Some(conversation))
}

/// How a round of a session ended.
enum Round {
    /// When something comes, there is another.
    Next(Rooms),
    /// The same, and when new transactions are not held back any more.
    Held(Rooms),
    /// There is no other.
    Last(End),
}

/// Carries frames both ways until one side closes or the proxy stops.
async fn converse<C, S>(
    client: &mut Peer<C>,
    server: &mut Peer<S>,
    conversation: &mut Conversation,
    stop: &mut Stop,
) -> Result<End, Violation>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut round = take_round(client, server, conversation, stop)?;
    loop {
        match round {
            Round::Last(end) => return Ok(end),
            Round::Next(rooms) => {
                round = relay_rounds(client, server, conversation, stop, rooms).await?;
            }
            Round::Held(rooms) => {
                tokio::select! {
                    biased;
                    () = exchange(client, server, rooms) => {}
                    () = conversation.transaction.admitted() => {}
                    () = stop.changed() => {}
                }
                round = take_round(client, server, conversation, stop)?;
            }
        }
    }
}

/// Goes from round to round as long as there is another when something comes. Each of them is short, and this is
/// what a session does all day: so it is one future, that begins nothing anew.
async fn relay_rounds<C, S>(
    client: &mut Peer<C>,
    server: &mut Peer<S>,
    conversation: &mut Conversation,
    stop: &mut Stop,
    mut rooms: Rooms,
) -> Result<Round, Violation>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        wake(client, server);
        loop {
            // What is ready is done first.
            let is_ready = poll_exchange(cx, client, server, rooms).is_ready();
            if !is_ready && stop.poll_changed(cx).is_pending() {
                return Poll::Pending;
            }
            match take_round(client, server, conversation, stop) {
                Ok(Round::Next(next)) => rooms = next,
                other => return Poll::Ready(other),
            }
        }
    })
    .await
}

/// One round: everything that is there is taken, and what is to be written waits for it.
fn take_round<C, S>(
    client: &mut Peer<C>,
    server: &mut Peer<S>,
    conversation: &mut Conversation,
    stop: &mut Stop,
) -> Result<Round, Violation>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The server first: its answers may be what the client's messages wait for.
    conversation.take_server(&mut server.input, &mut client.output)?;
    conversation.take_client(&mut client.input, &mut server.output)?;
    if server.ended || client.is_deaf() {
        return Ok(Round::Last(End::Closed));
    }
    if client.ended && conversation.is_held() {
        // It has given up, and will perhaps try again: nothing of it has been sent.
        return Ok(Round::Last(End::Closed));
    }
    if client.ended && !conversation.waits() {
        // What PostgreSQL does at a client's end: finish what was sent, answer, close.
        server.close_when_written();
        conversation.stopwatch.forget();
    }
    // Looked at in each round: peers that are always ready leave no time to wait for it.
    if stop.is_told() && (conversation.at_rest() || stop.is_over()) {
        return Ok(Round::Last(End::Stopped));
    }
    let rooms = Rooms {
        client: conversation.wanted_of_client().max(WAITING_BYTES),
        server: conversation.wanted_of_server().max(WAITING_BYTES),
    };
    Ok(if conversation.is_held() { Round::Held(rooms) } else { Round::Next(rooms) })
}

/// Plain relay: replication, and databases in which nothing is governed.
async fn relay_unread<C, S>(client: &mut Peer<C>, server: &mut Peer<S>, stop: &mut Stop) -> End
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let rooms = Rooms { client: WAITING_BYTES, server: WAITING_BYTES };
    loop {
        let (from_client, from_server) = (client.input.len(), server.input.len());
        server.output.take(&mut client.input, from_client);
        client.output.take(&mut server.input, from_server);
        if server.ended || client.is_deaf() {
            return End::Closed;
        }
        if client.ended {
            server.close_when_written();
        }
        if stop.is_told() {
            return End::Stopped;
        }
        tokio::select! {
            biased;
            () = exchange(client, server, rooms) => {}
            () = stop.changed() => {}
        }
    }
}

/// Gets the last bytes out, closes, and waits until the client has closed too.
async fn say_goodbye(client: &mut Client, server: Option<&mut Server>) {
    let deadline = Duration::from_millis(FAREWELL_DEADLINE_MS);
    client.close_when_written();
    let mut absent = Peer::new(tokio::io::empty());
    let farewell = async {
        if let Some(server) = server {
            server.close_when_written();
            while !server.is_written() {
                exchange(client, server, Rooms { client: 0, server: 0 }).await;
            }
        }
        while !(client.is_deaf() || (client.is_written() && client.ended)) {
            // Whatever still comes has nobody to go to.
            client.input.clear();
            let rooms = Rooms { client: WAITING_BYTES, server: 0 };
            exchange(client, &mut absent, rooms).await;
        }
    };
    if timeout(deadline, farewell).await.is_err() {
        tracing::debug!(deadline_ms = FAREWELL_DEADLINE_MS, "client did not close in time");
    }
}
