//! The operator's way into a host that runs: whole logs out, actions of the server in. Decides when to ask again, and that a
//! retry is the same request; must not know what an action means.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use baton::Lineage;
use baton::frame::{Entry, Frame};
use baton::limits::{MAX_SEND_BYTES, SEGMENT, valid_room};
use baton::parcel::Receipt;
use serde_bytes::ByteBuf;
use serde_json::Value;

use crate::history::Log;
use crate::load::site::{Answer, Caller, Failed, Site, Traffic};

/// Where the key is. Arguments and addresses end up in logs.
pub(crate) const KEY: &str = "BATON_ADMIN_KEY";
/// As a sender, in logs.
const SENDER: &str = "operator/admin";
const BATON_TYPE: &str = "application/vnd.baton";
/// How often something is asked that is answered with `retry`, or not at all.
const TRIES: u32 = 20;
/// Between two tries, where the host does not say.
const AGAIN: Duration = Duration::from_millis(200);

/// Who has the key of a host.
pub(crate) struct Operator {
    runtime: tokio::runtime::Runtime,
    caller: Caller,
    key: String,
}

/// What became of an action.
pub(crate) enum Sent {
    /// Frame `v` has it, accepted, or rejected with a code.
    Framed { v: u64, code: Option<u16> },
    /// It was sent before, and counted then.
    Before,
}

impl Operator {
    /// With the key of the environment.
    pub(crate) fn of(host: &str) -> Result<Self> {
        let key = std::env::var(KEY)
            .with_context(|| format!("{KEY} is not set: it is the key of the host"))?;
        Self::with(host, key)
    }

    fn with(host: &str, key: String) -> Result<Self> {
        let site = Arc::new(Site::parse(host)?);
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            caller: Caller::new(&[site], 0, &Arc::new(Traffic::default())),
            key,
        })
    }

    /// The whole log of a room; without frames, if there is no such room.
    pub(crate) fn log(&mut self, room: &str) -> Result<Log> {
        let mut frames = Vec::new();
        loop {
            let page = self.page(room, frames.len() as u64 + 1)?;
            let ends =
                page.is_empty() || !(frames.len() + page.len()).is_multiple_of(SEGMENT as usize);
            frames.extend(page);
            if ends {
                let room = room.to_owned();
                return Ok(Log { room, frames });
            }
        }
    }

    /// Sends an encoded action, until the log has it. The same lineage again counts once.
    pub(crate) fn send(&mut self, room: &str, lineage: Lineage, body: &[u8]) -> Result<Sent> {
        ensure!(
            body.len() <= MAX_SEND_BYTES,
            "the action has {} bytes, a send at most {MAX_SEND_BYTES}",
            body.len()
        );
        let before = self.head(room)?;
        self.deliver(room, lineage, body)?;
        self.find(room, before, lineage)
    }

    /// The same, without a word of what became of it.
    pub(crate) fn deliver(&mut self, room: &str, lineage: Lineage, body: &[u8]) -> Result<()> {
        let path = format!("{}/send/{lineage}", path(room)?);
        for _ in 0..TRIES {
            let answer = self.asked(|caller, key, runtime| {
                runtime.block_on(caller.post(&path, BATON_TYPE, Some(key), body.to_vec()))
            })?;
            let answer = answer.context("there is no such room, or no operator")?;
            let receipt: Receipt =
                postcard::from_bytes(&answer.body).context("the host answers with no receipt")?;
            if receipt.mark > 0 {
                return Ok(());
            }
            self.pause(AGAIN);
        }
        bail!(
            "the log does not have it yet: send it again with --lineage {lineage}, and it counts once"
        )
    }

    /// What the frames after `before` say of an action.
    fn find(&mut self, room: &str, before: u64, lineage: Lineage) -> Result<Sent> {
        let mut next = before + 1;
        loop {
            let page = self.page(room, next)?;
            if page.is_empty() {
                return Ok(Sent::Before);
            }
            next += page.len() as u64;
            let frames = page.iter().filter_map(|bytes| Frame::decode(bytes).ok());
            for frame in frames {
                let v = frame.v;
                for entry in frame.entries {
                    match entry {
                        Entry::Receive {
                            sender,
                            lineage: of,
                            ..
                        } if sender == SENDER && of == lineage => {
                            return Ok(Sent::Framed { v, code: None });
                        }
                        Entry::Decline {
                            sender,
                            lineage: of,
                            code,
                            ..
                        } if sender == SENDER && of == lineage => {
                            return Ok(Sent::Framed {
                                v,
                                code: Some(code),
                            });
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// The version of the newest frame, found by doubling and halving: no log is read for it.
    fn head(&mut self, room: &str) -> Result<u64> {
        let (mut low, mut high) = (0, 1);
        while !self.page(room, high * SEGMENT + 1)?.is_empty() {
            (low, high) = (high, high * 2);
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.page(room, middle * SEGMENT + 1)?.is_empty() {
                true => high = middle,
                false => low = middle,
            }
        }
        Ok(low * SEGMENT + self.page(room, low * SEGMENT + 1)?.len() as u64)
    }

    /// Frames from a version on, at most to the end of a block; none beyond the head.
    fn page(&mut self, room: &str, from: u64) -> Result<Vec<Vec<u8>>> {
        let path = format!("{}/log/{from}", path(room)?);
        let answer = self.asked(|caller, key, runtime| runtime.block_on(caller.get(&path, key)))?;
        let Some(answer) = answer else {
            return Ok(Vec::new());
        };
        let frames: Vec<ByteBuf> =
            postcard::from_bytes(&answer.body).context("the host answers with no frames")?;
        Ok(frames.into_iter().map(ByteBuf::into_vec).collect())
    }

    /// Asks until there is an answer; `None`: there is no such thing.
    fn asked(
        &mut self,
        ask: impl Fn(&mut Caller, &str, &tokio::runtime::Runtime) -> Result<Answer, Failed>,
    ) -> Result<Option<Answer>> {
        let mut last = String::from("no answer");
        for _ in 0..TRIES {
            let mut pause = AGAIN;
            match ask(&mut self.caller, &self.key, &self.runtime) {
                Ok(answer) if answer.status == 200 => return Ok(Some(answer)),
                Ok(answer) if answer.status == 404 => return Ok(None),
                Ok(answer) => {
                    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                    last = format!(
                        "{} {}",
                        answer.status,
                        body["code"].as_str().unwrap_or_default()
                    );
                    ensure!(
                        answer.status == 429 || answer.status >= 500,
                        "the host refuses: {last}"
                    );
                    pause = answer.after_s.map_or(AGAIN, Duration::from_secs);
                }
                Err(Failed) => {}
            }
            self.pause(pause);
        }
        bail!("the host does not answer: {last}")
    }

    fn pause(&self, time: Duration) {
        // A timer is made inside: outside of a runtime there is none.
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
    }
}

fn path(room: &str) -> Result<String> {
    ensure!(
        valid_room(room),
        "{room:?} is no room; account/alice is one"
    );
    Ok(format!("/api/admin/rooms/{room}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A host that gives these answers, one for each connection; its address.
    fn host(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let mut request = [0; 1_024];
                let read = stream.read(&mut request).expect("a request");
                assert!(request[..read].starts_with(b"GET /api/admin/rooms/account/ann/log/1 "));
                let head = format!("HTTP/1.1 {answer}");
                stream.write_all(head.as_bytes()).expect("it listens");
            }
        });
        format!("http://127.0.0.1:{port}")
    }

    /// Found by `baton syncs`: whoever had to wait died of it.
    #[test]
    fn a_host_that_is_busy_or_breaks_off_is_asked_again_after_a_pause() {
        let url = host(&[
            "503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "",
            "200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\n\u{1}\u{1}\u{7}",
        ]);
        let mut operator = Operator::with(&url, "key".to_owned()).expect("an address");
        let log = operator.log("account/ann").expect("a log");
        assert_eq!(log.frames, [[7]]);
    }
}
