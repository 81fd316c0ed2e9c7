//! The secrets that development needs, made once. Deployed workers get theirs from `wrangler secret put`.

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::project;
use crate::step::Outcome;

/// Bytes of a signing key.
const KEY_BYTES: usize = 32;

/// Writes `.dev.vars` with a fresh signing key if there is none.
///
/// `BATON_KEYS="<key id>:<base64url of 32 bytes>[,<older id>:<...>]"`: the first signs, all verify.
pub(crate) fn make() -> Result<Outcome> {
    let file = project::root().join(".dev.vars");
    if file.exists() {
        return Ok(Outcome::UpToDate);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| anyhow!("no entropy: {error}"))?;
    std::fs::write(
        &file,
        format!("BATON_KEYS=\"dev:{}\"\n", URL_SAFE_NO_PAD.encode(key)),
    )?;
    Ok(Outcome::Done)
}
