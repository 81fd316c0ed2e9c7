//! A host as a client reaches it: connections, requests, and the bytes that both cost. Decides what a failure of the way
//! is; must not know what is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A host that takes longer than this does not answer: as long as a page waits.
const TIMEOUT: Duration = Duration::from_secs(12);

/// Where the host is.
pub(super) struct Site {
    secure: Option<TlsConnector>,
    host: String,
    port: u16,
    /// Before every path, without a slash at its end.
    base: String,
}

/// Bytes on the wire, headers and TLS included.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
}

/// No answer came, or not all of it: what was sent may have been taken.
#[derive(Debug)]
pub(super) struct Failed;

/// An answer, whatever it says.
pub(super) struct Answer {
    pub(super) status: u16,
    /// After how many seconds to ask again, if it says so.
    pub(super) after_s: Option<u64>,
    pub(super) body: Bytes,
}

impl Site {
    /// Reads `http://host[:port][/base]`, or the same with `https`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        ensure!(
            matches!(scheme, "http" | "https"),
            "{url} begins with neither http:// nor https://"
        );
        ensure!(uri.query().is_none(), "{url} has a query");
        let secure = scheme == "https";
        let host = uri.host().with_context(|| format!("{url} names no host"))?;
        Ok(Self {
            secure: secure.then(tls),
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// A connection of its own.
    pub(super) async fn connect(&self, traffic: &Arc<Traffic>) -> io::Result<Box<dyn Stream>> {
        let host = self.host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((host, self.port)).await?;
        tcp.set_nodelay(true)?;
        let counted = Counted {
            inner: tcp,
            traffic: Arc::clone(traffic),
        };
        let Some(tls) = &self.secure else {
            return Ok(Box::new(counted));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, counted).await?))
    }

    /// A request to a path below the base.
    pub(super) fn request(&self, path: &str) -> hyper::http::request::Builder {
        let port = match (self.port, self.secure.is_some()) {
            (80, false) | (443, true) => String::new(),
            (port, _) => format!(":{port}"),
        };
        Request::builder()
            .uri(format!("{}{path}", self.base))
            .header("host", format!("{}{port}", self.host))
    }

    /// The same for a WebSocket, whose library wants the whole address.
    pub(super) fn socket_uri(&self, path: &str) -> String {
        let scheme = if self.secure.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}{path}", self.host, self.port, self.base)
    }
}

fn tls() -> TlsConnector {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// One client's connections for requests: one to each site, opened when it is needed. One request at a time, as a page
/// asks; each goes to the next site.
pub(super) struct Caller {
    connections: Vec<Connection>,
    turn: usize,
}

struct Connection {
    site: Arc<Site>,
    traffic: Arc<Traffic>,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    /// Begins with the site of `turn`. There is at least one.
    pub(super) fn new(sites: &[Arc<Site>], turn: usize, traffic: &Arc<Traffic>) -> Self {
        let connections = sites.iter().map(|site| Connection {
            site: Arc::clone(site),
            traffic: Arc::clone(traffic),
            open: None,
        });
        Self {
            connections: connections.collect(),
            turn,
        }
    }

    /// Posts a body; `token`: of whoever asks.
    pub(super) async fn post(
        &mut self,
        path: &str,
        kind: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer, Failed> {
        let count = self.connections.len();
        let connection = &mut self.connections[self.turn % count];
        self.turn += 1;
        let mut request = connection.site.request(path).method("POST");
        request = request.header("content-type", kind);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).map_err(|_| Failed)?;
        connection.answer(request).await
    }

    /// The response of a request to the first site, its body still on the way.
    pub(super) async fn response(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        self.connections[0].response(request).await
    }
}

impl Connection {
    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Failed> {
        let answer = tokio::time::timeout(TIMEOUT, self.exchange(request)).await;
        let answer = answer.unwrap_or(Err(Failed));
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Failed> {
        let response = self.response(request).await?;
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after");
        let after_s = after.and_then(|after| after.to_str().ok()?.parse().ok());
        let body = response.into_body().collect().await.map_err(|_| Failed)?;
        Ok(Answer {
            status,
            after_s,
            body: body.to_bytes(),
        })
    }

    async fn response(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        // The host may have closed it since.
        let mut open = self.open.take();
        if let Some(kept) = &mut open
            && kept.ready().await.is_err()
        {
            open = None;
        }
        let mut open = match open {
            Some(open) => open,
            None => self.connect().await?,
        };
        let response = open.send_request(request).await.map_err(|_| Failed)?;
        self.open = Some(open);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failed> {
        let stream = self.site.connect(&self.traffic).await;
        let stream = TokioIo::new(stream.map_err(|_| Failed)?);
        let (open, connection) = http1::handshake(stream).await.map_err(|_| Failed)?;
        // It ends with whoever asks, or with the host, and then asking says so.
        tokio::spawn(connection);
        Ok(open)
    }
}

/// What a connection runs on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream whose bytes are counted.
struct Counted {
    inner: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        self.traffic.down.fetch_add(read as u64, Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            self.traffic.up.fetch_add(*written as u64, Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_its_port_and_base_or_refused() {
        let site = Site::parse("https://game.example/play/").expect("an address");
        assert!(site.secure.is_some());
        assert_eq!((site.port, site.base.as_str()), (443, "/play"));
        let site = Site::parse("http://[::1]:8787").expect("an address");
        assert_eq!((site.host.as_str(), site.port), ("[::1]", 8787));
        for bad in ["ftp://a", "localhost:8787", "http://a/?token=1", ""] {
            assert!(Site::parse(bad).is_err(), "{bad}");
        }
    }
}
