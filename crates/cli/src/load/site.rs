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
pub(crate) struct Site {
    secure: Option<TlsConnector>,
    host: String,
    port: u16,
    /// Before every path, without a slash at its end.
    base: String,
}

/// Bytes on the wire, headers and TLS included.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
}

/// No answer came, or not all of it: what was sent may have been taken.
#[derive(Debug)]
pub(crate) struct Failed;

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// After how many seconds to ask again, if it says so.
    pub(crate) after_s: Option<u64>,
    pub(crate) body: Bytes,
}

impl Site {
    /// Reads `http://host[:port][/base]`, or the same with `https`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
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
            secure: secure.then(|| tls(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())),
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self, traffic: &Arc<Traffic>) -> io::Result<Box<dyn Stream>> {
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
    pub(crate) fn request(&self, path: &str) -> hyper::http::request::Builder {
        let port = match (self.port, self.secure.is_some()) {
            (80, false) | (443, true) => String::new(),
            (port, _) => format!(":{port}"),
        };
        Request::builder()
            .uri(format!("{}{path}", self.base))
            .header("host", format!("{}{port}", self.host))
    }

    /// The same for a WebSocket, whose library wants the whole address.
    pub(crate) fn socket_uri(&self, path: &str) -> String {
        let scheme = if self.secure.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}{path}", self.host, self.port, self.base)
    }
}

fn tls(roots: RootCertStore) -> TlsConnector {
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// One client's connections for requests: one to each site, opened when it is needed. One request at a time, as a page
/// asks; each goes to the next site.
pub(crate) struct Caller {
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
    pub(crate) fn new(sites: &[Arc<Site>], turn: usize, traffic: &Arc<Traffic>) -> Self {
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

    /// The next request goes to the site of `turn`.
    pub(crate) fn aim(&mut self, turn: usize) {
        self.turn = turn;
    }

    /// Posts a body; `token`: of whoever asks.
    pub(crate) async fn post(
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

    /// Gets what is at a path of the first site.
    pub(crate) async fn get(&mut self, path: &str, token: &str) -> Result<Answer, Failed> {
        let connection = &mut self.connections[0];
        let request = connection.site.request(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.body(Full::default()).map_err(|_| Failed)?;
        connection.answer(request).await
    }

    /// The response of a request to the first site, its body still on the way.
    pub(crate) async fn response(
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
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

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
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    use super::*;

    /// A host that answers each request over TLS with `taken`; its port, and who vouches for it.
    async fn secure_host() -> (u16, RootCertStore) {
        let names = vec!["localhost".to_owned()];
        let made = generate_simple_self_signed(names).expect("a name that can be certified");
        let CertifiedKey { cert, signing_key } = made;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a key and its certificate")));
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 1_024];
                let read = stream.read(&mut request).await.expect("a request");
                assert!(request[..read].starts_with(b"POST /base/path HTTP/1.1\r\n"));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken";
                stream.write_all(answer).await.expect("the client listens");
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).expect("a certificate");
        (port, roots)
    }

    #[tokio::test]
    async fn https_is_spoken_with_whom_the_authorities_vouch_for_and_nobody_else() {
        let (port, roots) = secure_host().await;
        let url = format!("https://localhost:{port}/base");
        let ask = async |site: Site| {
            let traffic = Arc::new(Traffic::default());
            let mut caller = Caller::new(&[Arc::new(site)], 0, &traffic);
            let answer = caller.post("/path", "text/plain", None, Vec::new()).await;
            answer.map(|answer| (answer.status, answer.body))
        };
        let stranger = Site::parse(&url).expect("an address");
        assert!(ask(stranger).await.is_err());
        let mut known = Site::parse(&url).expect("an address");
        known.secure = Some(tls(roots));
        let (status, body) = ask(known).await.expect("an answer");
        assert_eq!((status, &body[..]), (200, &b"taken"[..]));
    }

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
