//! A live line: frames as they are appended, over a WebSocket or a stream of events. Decides when a lost line is opened
//! again, as a page does; must not know what a frame says.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::options::Push;
use super::site::{Caller, Site, Traffic};

/// The sub-protocol of the socket.
const PROTOCOL: &str = "baton.v1";
const EVENTS_TYPE: &str = "text/event-stream";
/// A line that says nothing for so long is lost: its host says every 15 s that it lives.
const SILENCE: Duration = Duration::from_secs(40);
/// Pauses before a lost line is opened again: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(15);
/// Frames that wait for their client; then the line waits, and the host notices.
const WAITING: usize = 64;

/// What a line tells.
pub(super) enum Event {
    /// Frames come from now on.
    Open,
    /// One did.
    Frame(Vec<u8>),
    /// None come any more.
    Lost,
}

/// Whose line it is.
pub(super) struct Line {
    pub(super) site: Arc<Site>,
    pub(super) traffic: Arc<Traffic>,
    /// Below the site's base.
    pub(super) path: String,
    pub(super) token: String,
}

/// A line that is kept open until it is dropped.
pub(super) struct Kept {
    events: Receiver<Event>,
    task: JoinHandle<()>,
}

impl Kept {
    /// What is told next. Waits for ever once nothing will be.
    pub(super) async fn next(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Opens it, again and again. `Auto`: a socket where the host has them, else a stream: which, is found out.
    pub(super) fn keep(self, push: Push) -> Kept {
        let (tell, events) = channel(WAITING);
        let task = tokio::spawn(async move {
            let mut ways = match push {
                Push::None => return,
                Push::Ws => [Push::Ws; 2],
                Push::Sse => [Push::Sse; 2],
                Push::Auto => [Push::Ws, Push::Sse],
            };
            let (mut proven, mut pause) = (false, FIRST_PAUSE);
            while !tell.is_closed() {
                let opened = match ways[0] {
                    Push::Ws => self.socket(&tell).await,
                    _ => self.stream(&tell).await,
                };
                if opened.is_some() {
                    (proven, pause) = (true, FIRST_PAUSE);
                    // Nobody listens: it is over.
                    let _ = tell.send(Event::Lost).await;
                } else if !proven {
                    ways.reverse();
                }
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(LAST_PAUSE);
            }
        });
        Kept { events, task }
    }

    /// Reads a socket to its end; nothing if it was never open.
    async fn socket(&self, tell: &Sender<Event>) -> Option<()> {
        let uri = self.site.socket_uri(&self.path);
        let mut request = uri.into_client_request().ok()?;
        let offered = format!("{PROTOCOL}, {}", self.token).parse().ok()?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", offered);
        let stream = self.site.connect(&self.traffic).await.ok()?;
        let opening = tokio_tungstenite::client_async(request, stream);
        let opened = tokio::time::timeout(SILENCE, opening).await;
        let (mut socket, _) = opened.ok()?.ok()?;
        tell.send(Event::Open).await.ok()?;
        // Nothing is sent: a host that says nothing for long may only have nothing to say.
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Binary(frame) = message
                && tell.send(Event::Frame(frame.into())).await.is_err()
            {
                break;
            }
        }
        Some(())
    }

    /// Reads a stream of events to its end; nothing if it was never open.
    async fn stream(&self, tell: &Sender<Event>) -> Option<()> {
        let request = self.site.request(&self.path).header("accept", EVENTS_TYPE);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Full::default()).ok()?;
        let mut caller = Caller::new(std::slice::from_ref(&self.site), 0, &self.traffic);
        let response = caller.response(request).await.ok()?;
        let kind = response.headers().get("content-type")?.to_str().ok()?;
        if !response.status().is_success() || !kind.starts_with(EVENTS_TYPE) {
            return None;
        }
        let (mut body, mut lines, mut opened) = (response.into_body(), Lines::default(), None);
        while let Ok(Some(Ok(part))) = tokio::time::timeout(SILENCE, body.frame()).await {
            let Some(bytes) = part.data_ref() else {
                continue;
            };
            for event in lines.take(bytes) {
                if matches!(event, Event::Open) {
                    opened = Some(());
                }
                if tell.send(event).await.is_err() {
                    return opened;
                }
            }
        }
        opened
    }
}

/// Events of a stream that comes in parts.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    fn take(&mut self, part: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(part);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        whole
            .split(|byte| *byte == b'\n')
            .filter_map(event)
            .collect()
    }
}

fn event(line: &[u8]) -> Option<Event> {
    if line == b": open" {
        return Some(Event::Open);
    }
    let data = line.strip_prefix(b"data: ")?;
    STANDARD.decode(data).ok().map(Event::Frame)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use futures_util::SinkExt;
    use hyper::header::HeaderValue;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_hdr_async;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

    use super::*;

    #[test]
    fn events_are_whole_however_the_stream_is_cut() {
        let stream = b": open\n\ndata: AQI=\n\n: alive\n\ndata: AwQ=\n\n";
        for size in 1..=stream.len() {
            let mut lines = Lines::default();
            let events: Vec<Event> = stream
                .chunks(size)
                .flat_map(|part| lines.take(part))
                .collect();
            let told: Vec<&[u8]> = events
                .iter()
                .map(|event| match event {
                    Event::Open => &b"open"[..],
                    Event::Frame(bytes) => bytes,
                    Event::Lost => b"lost",
                })
                .collect();
            assert_eq!(told, [&b"open"[..], &[1, 2], &[3, 4]], "in parts of {size}");
        }
    }

    /// A host with sockets that shows each who comes one frame and lets it go.
    #[allow(
        clippy::result_large_err,
        reason = "the type of the answer is the library's"
    )]
    async fn host_of_sockets(listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.expect("a client comes");
            let greet = |request: &Request, mut response: Response| {
                assert_eq!(request.uri().path(), "/api/rooms/quiet/lobby/live");
                let offered = &request.headers()["sec-websocket-protocol"];
                assert_eq!(offered, "baton.v1, token");
                let chosen = HeaderValue::from_static(PROTOCOL);
                let headers = response.headers_mut();
                headers.insert("sec-websocket-protocol", chosen);
                Ok(response)
            };
            let socket = accept_hdr_async(stream, greet).await;
            let mut socket = socket.expect("a client that knows WebSockets");
            let frame = Message::binary(vec![1, 2]);
            socket.send(frame).await.expect("the client listens");
            let _ = socket.close(None).await;
        }
    }

    #[tokio::test]
    async fn a_socket_brings_frames_says_when_it_is_lost_and_is_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(host_of_sockets(listener));
        let line = Line {
            site: Arc::new(Site::parse(&url).expect("an address")),
            traffic: Arc::default(),
            path: "/api/rooms/quiet/lobby/live".to_owned(),
            token: "token".to_owned(),
        };
        let traffic = Arc::clone(&line.traffic);
        let mut kept = line.keep(Push::Auto);
        for _ in 0..2 {
            assert!(matches!(kept.next().await, Event::Open));
            assert!(matches!(kept.next().await, Event::Frame(bytes) if bytes == [1, 2]));
            assert!(matches!(kept.next().await, Event::Lost));
        }
        assert!(traffic.up.load(Relaxed) > 100 && traffic.down.load(Relaxed) > 100);
    }
}
