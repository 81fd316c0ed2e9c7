//! What a client asks a host: a session, a room. Decides what an answer is; must not know what a room's bytes mean.

use std::time::Duration;

use serde_json::Value;

use super::site::{Answer, Caller, Failed};

const BATON_TYPE: &str = "application/vnd.baton";
/// Between two tries for a session, where the host does not say.
const AGAIN: Duration = Duration::from_secs(1);

/// A guest.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) user: String,
}

/// What came of a request to a room.
pub(crate) enum Heard {
    Reply(Vec<u8>),
    /// A stable code, and what should come first where an action was missing.
    Refused {
        code: String,
        expected: Option<u64>,
    },
    /// No answer, or one that makes no sense: what was sent may have been taken.
    Failed,
}

/// The path of a room, below the host's.
pub(crate) fn room_path(kind: &str, name: &str) -> String {
    format!("/api/rooms/{kind}/{name}")
}

/// A guest's session; a refusal or a failure is told and tried again until it is there.
pub(crate) async fn session(caller: &mut Caller, mut refused: impl FnMut(&str)) -> Session {
    loop {
        let posted = caller.post("/api/session", "application/json", None, b"{}".to_vec());
        let mut pause = AGAIN;
        match posted.await {
            Ok(answer) if answer.status == 200 => match read_session(&answer) {
                Some(session) => return session,
                None => refused("no session"),
            },
            Ok(answer) => {
                pause = answer.after_s.map_or(AGAIN, Duration::from_secs);
                refused(&refusal(&answer).0);
            }
            Err(Failed) => refused("no answer"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Asks a room.
pub(crate) async fn ask(caller: &mut Caller, path: &str, token: &str, body: Vec<u8>) -> Heard {
    match caller.post(path, BATON_TYPE, Some(token), body).await {
        Ok(answer) if answer.status == 200 => Heard::Reply(answer.body.into()),
        Ok(answer) => {
            let (code, expected) = refusal(&answer);
            Heard::Refused { code, expected }
        }
        Err(Failed) => Heard::Failed,
    }
}

fn read_session(answer: &Answer) -> Option<Session> {
    let made: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(Session {
        token: made["token"].as_str()?.to_owned(),
        user: made["user"].as_str()?.to_owned(),
    })
}

/// The code of a refusal; of one that is not the host's own, its status.
fn refusal(answer: &Answer) -> (String, Option<u64>) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["code"].as_str().map(str::to_owned);
    let code = code.unwrap_or_else(|| format!("status {}", answer.status));
    (code, body["expected"].as_u64())
}
