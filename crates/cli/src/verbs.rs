//! The verbs about histories: what each takes, prints and answers. Everything they find is of `history`, everything they ask a
//! host of `operator`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use account::{Action, Legacy};
use anyhow::{Context, Result, bail, ensure};
use baton::limits::{MAX_SEND_BYTES, valid_name};
use baton::{Hash, Lineage, Rules};
use clap::Args;
use serde_json::{Value, json};

use crate::history::{Change, Flaw, Log, Registry, Told, Trace, compare, difference, read, write};
use crate::operator::{Operator, Sent};
use crate::story::Story;

/// Prints a line. Who reads only the first lines is no error.
macro_rules! say {
    ($($words:tt)*) => {
        if writeln!(io::stdout(), $($words)*).is_err() {
            std::process::exit(0);
        }
    };
}

/// Whose logs, from where.
#[derive(Args)]
pub(crate) struct Source {
    /// An exported file, or a directory of them.
    #[arg(required_unless_present = "host", conflicts_with = "host")]
    file: Option<PathBuf>,
    /// Of a host that runs, with its key in BATON_ADMIN_KEY.
    #[arg(long, value_name = "URL", requires = "room")]
    host: Option<String>,
    /// Of this room only, as account/alice.
    #[arg(long)]
    room: Option<String>,
}

#[derive(Args)]
pub(crate) struct Export {
    /// Where the host is; its key is in BATON_ADMIN_KEY.
    #[arg(long, value_name = "URL")]
    host: String,
    /// A room, as account/alice; or several.
    #[arg(long, required = true)]
    room: Vec<String>,
    /// The file; the default is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    source: Source,
    /// The state at this sequence, instead of the entries: 0 is the initial one, each accepted action adds 1.
    #[arg(long, value_name = "SEQUENCE")]
    at: Option<u64>,
    /// As JSON, a line each.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Diff {
    /// An exported file.
    file: PathBuf,
    /// The sequence before.
    before: u64,
    /// The sequence after.
    after: u64,
    /// Of this room, where the file has several.
    #[arg(long)]
    room: Option<String>,
    /// As JSON, a line each.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Replay {
    /// Exported files, or directories of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Under these rules as well: who would change, and how.
    #[arg(long, value_name = "NAME")]
    rules: Option<String>,
    /// As JSON, a line for each room.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Import {
    /// Accounts of the time before: {"alice": {"coins": 5, …}, …}.
    file: PathBuf,
    /// Where the host is; its key is in BATON_ADMIN_KEY.
    #[arg(long, value_name = "URL")]
    host: String,
}

#[derive(Args)]
pub(crate) struct Send {
    /// Where the host is; its key is in BATON_ADMIN_KEY.
    #[arg(long, value_name = "URL")]
    host: String,
    /// The room, as account/alice.
    #[arg(long)]
    room: String,
    /// What the server does, as JSON: {"grant":{"coins":5,"scrap":0}}.
    action: String,
    /// Of an action that was sent before without an answer: it counts once.
    #[arg(long, value_name = "HEX")]
    lineage: Option<String>,
}

#[derive(Args)]
pub(crate) struct Tell {
    /// Where the two files go: before.jsonl and after.jsonl.
    directory: PathBuf,
}

/// Writes the logs of rooms. Whether each was there.
pub(crate) fn export(options: &Export) -> Result<bool> {
    let mut operator = Operator::of(&options.host)?;
    let mut out: Box<dyn Write> = match &options.output {
        Some(file) => Box::new(
            fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?,
        ),
        None => Box::new(io::stdout().lock()),
    };
    let mut all = true;
    for room in &options.room {
        let log = operator.log(room)?;
        if log.frames.is_empty() {
            eprintln!("{room}: there is no such room");
            all = false;
            continue;
        }
        write(&log, &mut out)?;
        eprintln!("{room}: {} frames", log.frames.len());
    }
    Ok(all)
}

/// Prints histories, or states. Whether the logs are sound.
pub(crate) fn history(options: &History) -> Result<bool> {
    let registry = Registry::built_in();
    let mut sound = true;
    for log in logs(&options.source)? {
        if let Some(at) = options.at {
            say!("{}", print(&state_at(&registry, &log, at)?, options.json));
            continue;
        }
        if !options.json {
            say!("{}", log.room);
        }
        let replayed = registry.replay(
            &log,
            &mut |told: &Told, _: &dyn Fn() -> Value| match options.json {
                true => say!("{}", json!({ "room": log.room, "told": told })),
                false => say!("{told}"),
            },
        );
        sound &= said(&log, replayed, options.json).is_some();
    }
    Ok(sound)
}

/// Prints how two states of a room differ. Whether that could be told.
pub(crate) fn diff(options: &Diff) -> Result<bool> {
    let source = Source {
        file: Some(options.file.clone()),
        host: None,
        room: options.room.clone(),
    };
    let logs = logs(&source)?;
    let [log] = &logs[..] else {
        bail!("{} rooms: name one with --room", logs.len());
    };
    let registry = Registry::built_in();
    let before = state_at(&registry, log, options.before)?;
    let after = state_at(&registry, log, options.after)?;
    for difference in difference(&before, &after) {
        match options.json {
            true => say!("{}", json!(difference)),
            false => say!("{difference}"),
        }
    }
    Ok(true)
}

/// Replays logs from their first frames, by their own rules and maybe by others. Whether all are sound.
pub(crate) fn replay(options: &Replay) -> Result<bool> {
    let registry = Registry::built_in();
    let (mut rooms, mut changed, mut sound) = (0, 0, true);
    for file in &options.files {
        for log in read(file)? {
            rooms += 1;
            let (replayed, change) = match &options.rules {
                None => (
                    registry.replay(&log, &mut |_: &Told, _: &dyn Fn() -> Value| {}),
                    None,
                ),
                Some(name) => match compare(&registry, &log, name)? {
                    Ok((trace, change)) => (Ok(trace), Some(change)),
                    Err(flaw) => (Err(flaw), None),
                },
            };
            sound &= said(&log, replayed, options.json).is_some();
            if let Some(change) = change.filter(|change| !Change::is_none(change)) {
                changed += 1;
                match options.json {
                    true => say!("{}", json!({ "change": change })),
                    false => say!("{}", change.to_string().trim_end()),
                }
            }
        }
    }
    match &options.rules {
        Some(name) if !options.json => say!("{changed} of {rooms} would change under {name}"),
        _ => {}
    }
    Ok(sound)
}

/// Hands over accounts of the time before. Whether each was taken, now or before.
pub(crate) fn import(options: &Import) -> Result<bool> {
    let text = fs::read(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    // All of them are read before the first is sent.
    let accounts = legacy(&text)?;
    let mut operator = Operator::of(&options.host)?;
    let mut all = true;
    for (user, body) in accounts {
        let room = format!("{}/{user}", account::Account::KIND);
        // The same account again is the same send.
        let mut named = b"import ".to_vec();
        named.extend_from_slice(&body);
        let mut lineage = Lineage([0; 8]);
        lineage.0.copy_from_slice(&Hash::of(&named).0[..8]);
        all &= report(&room, &operator.send(&room, lineage, &body)?);
    }
    Ok(all)
}

/// Sends an action of the server. Whether it was accepted.
pub(crate) fn send(options: &Send) -> Result<bool> {
    let Some((kind, _)) = options.room.split_once('/') else {
        bail!("{:?} is no room; account/alice is one", options.room);
    };
    let action: Value = serde_json::from_str(&options.action).context("the action is no JSON")?;
    let body = Registry::built_in().encode(kind, &action)?;
    let lineage = match &options.lineage {
        Some(hex) => Lineage::from_hex(hex).context("a lineage is 16 hexadecimal digits")?,
        None => {
            let mut lineage = Lineage([0; 8]);
            getrandom::fill(&mut lineage.0)
                .map_err(|error| anyhow::anyhow!("no entropy: {error}"))?;
            lineage
        }
    };
    let sent = Operator::of(&options.host)?.send(&options.room, lineage, &body)?;
    Ok(report(&options.room, &sent))
}

/// Writes the logs of the README's story.
pub(crate) fn tell(options: &Tell) -> Result<bool> {
    fs::create_dir_all(&options.directory)?;
    let mut story = Story::play();
    save(&options.directory.join("before.jsonl"), &story.logs())?;
    story.mend();
    for user in ["ann", "cam"] {
        story.operate(
            user,
            &Action::Grant {
                coins: -150,
                scrap: 0,
            },
        );
    }
    save(&options.directory.join("after.jsonl"), &story.logs())?;
    Ok(true)
}

fn save(file: &Path, logs: &[Log]) -> Result<()> {
    let mut out = io::BufWriter::new(fs::File::create(file)?);
    logs.iter().try_for_each(|log| write(log, &mut out))?;
    say!("{}", file.display());
    Ok(out.flush()?)
}

fn logs(source: &Source) -> Result<Vec<Log>> {
    let mut logs = match (&source.file, &source.host, &source.room) {
        (Some(file), ..) => read(file)?,
        (None, Some(host), Some(room)) => vec![Operator::of(host)?.log(room)?],
        _ => bail!("neither a file nor a host with a room"),
    };
    if let Some(room) = &source.room {
        logs.retain(|log| log.room == *room);
        ensure!(!logs.is_empty(), "there is no room {room}");
    }
    Ok(logs)
}

/// The state right after the action with this sequence.
fn state_at(registry: &Registry, log: &Log, at: u64) -> Result<Value> {
    let (mut found, mut last) = (None, 0);
    let replayed = registry.replay(log, &mut |told: &Told, state: &dyn Fn() -> Value| {
        last = told.sequence;
        if told.sequence == at && found.is_none() {
            found = Some(state());
        }
    });
    match (found, replayed) {
        (Some(state), _) => Ok(state),
        (None, Ok(_)) => bail!("{} ends with sequence {last}", log.room),
        (None, Err(flaw)) => bail!("{}: {flaw}", log.room),
    }
}

/// Tells how a replay ended.
fn said(log: &Log, replayed: Result<Trace, Flaw>, as_json: bool) -> Option<Trace> {
    match replayed {
        Ok(trace) => {
            let Trace {
                sequence, v, hash, ..
            } = &trace;
            match as_json {
                true => say!(
                    "{}",
                    json!({ "room": log.room, "sound": true, "sequence": sequence, "v": v })
                ),
                false => say!(
                    "{}: sound, {sequence} actions in {v} frames, {hash}",
                    log.room
                ),
            }
            Some(trace)
        }
        Err(flaw) => {
            match as_json {
                true => say!(
                    "{}",
                    json!({ "room": log.room, "sound": false, "flaw": flaw })
                ),
                false => {
                    say!("{}: NOT SOUND: {flaw}", log.room);
                    flaw.entries.iter().for_each(|entry| say!("    {entry}"));
                }
            }
            None
        }
    }
}

fn print(state: &Value, as_json: bool) -> String {
    match as_json {
        true => state.to_string(),
        false => serde_json::to_string_pretty(state).unwrap_or_default(),
    }
}

fn report(room: &str, sent: &Sent) -> bool {
    match sent {
        Sent::Framed { v, code: None } => say!("{room}: accepted, in frame {v}"),
        Sent::Framed {
            v,
            code: Some(code),
        } => say!("{room}: rejected with {code}, in frame {v}"),
        Sent::Before => say!("{room}: it was sent before, and counted then"),
    }
    !matches!(sent, Sent::Framed { code: Some(_), .. })
}

/// Reads accounts of the time before: each as the action that takes it over. Anything that is not understood refuses all.
fn legacy(text: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let accounts: BTreeMap<String, Value> =
        serde_json::from_slice(text).context("not a JSON object of accounts")?;
    let each = |(user, mut account): (String, Value)| {
        ensure!(valid_name(&user), "{user:?} is no user's id");
        for balance in ["coins", "scrap"] {
            if let Some(amount) = account
                .get_mut(balance)
                .filter(|amount| amount.as_i64().is_some_and(|is| is < 0))
            {
                *amount = json!(0);
            }
        }
        let legacy: Legacy = serde_json::from_value(account).with_context(|| user.clone())?;
        let body = postcard::to_allocvec(&Action::Import(legacy))?;
        ensure!(
            body.len() <= MAX_SEND_BYTES,
            "{user}: {} bytes, at most {MAX_SEND_BYTES}",
            body.len()
        );
        Ok((user, body))
    };
    accounts.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(legacy: Legacy) -> Vec<u8> {
        postcard::to_allocvec(&Action::Import(legacy)).expect("an action")
    }

    #[test]
    fn b38_accounts_of_the_time_before_are_read_whole_or_not_at_all() {
        let text = br#"{"ann": {"coins": -3, "scrap": 7, "matches": {"played": 2}}, "ben": {}}"#;
        let ann = Legacy {
            scrap: 7,
            matches: account::Stats {
                played: 2,
                ..account::Stats::default()
            },
            ..Legacy::default()
        };
        let accounts = legacy(text).expect("two accounts");
        let wanted = [
            ("ann".to_owned(), body(ann)),
            ("ben".to_owned(), body(Legacy::default())),
        ];
        assert_eq!(accounts, wanted);
        for (bad, names) in [
            (
                r#"{"ann": {}, "ben": {"gems": 4}}"#,
                "ben: unknown field `gems`",
            ),
            (
                r#"{"ann": {"matches": {"played": 1, "drawn": 2}}}"#,
                "ann: unknown field `drawn`",
            ),
            (r#"{"ann/x": {}}"#, "\"ann/x\" is no user's id"),
            (r#"{"ann": {"coins": 1.5}}"#, "ann: "),
            ("[]", "not a JSON object of accounts"),
        ] {
            let error = format!("{:#}", legacy(bad.as_bytes()).expect_err(bad));
            assert!(error.starts_with(names), "{error}");
        }
    }

    #[test]
    fn b27_the_state_at_a_sequence_is_that_after_its_action() {
        let log = Story::play().log("cam");
        let registry = Registry::built_in();
        assert_eq!(
            state_at(&registry, &log, 0).expect("the initial one")["coins"],
            0
        );
        let mut states = Vec::new();
        let trace = registry.replay(&log, &mut |told: &Told, state: &dyn Fn() -> Value| {
            if told.action.is_some() {
                states.push(state());
            }
        });
        for (at, state) in (1..).zip(&states) {
            assert_eq!(state_at(&registry, &log, at).expect("a state"), *state);
        }
        let end = trace.expect("sound").sequence;
        assert_eq!(end, states.len() as u64);
        assert!(state_at(&registry, &log, end + 1).is_err());
    }

    #[test]
    fn b14_an_action_of_the_operator_is_what_the_rules_read() {
        let action = json!({ "grant": { "coins": 5, "scrap": 0 } });
        let body = Registry::built_in()
            .encode("account", &action)
            .expect("an action");
        assert_eq!(
            body,
            postcard::to_allocvec(&Action::Grant { coins: 5, scrap: 0 }).expect("an action")
        );
        for bad in [
            json!({ "grant": { "coins": 5 } }),
            json!({ "gift": 5 }),
            json!(null),
        ] {
            assert!(
                Registry::built_in().encode("account", &bad).is_err(),
                "{bad}"
            );
        }
    }
}
