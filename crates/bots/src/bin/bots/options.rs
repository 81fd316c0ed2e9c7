//! What is asked for on the command line.

use contagion::{Config, MAX_PLAYERS};

/// Shown when an option is not understood.
pub(crate) const HELP: &str = "options:
  --matches N         how many to play [500]
  --seed N            another seed plays other matches [1]
  --players 1,2,4     how many play in a match [1,2,4,8,16,32]
  --config JSON       what the room is told, where it differs from the default
  --json              the figures as one JSON object";

/// What to play, and how to print it.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) matches: usize,
    pub(crate) seed: u64,
    pub(crate) players: Vec<usize>,
    pub(crate) config: Config,
    pub(crate) json: bool,
}

impl Options {
    /// An error is a sentence.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            matches: 500,
            seed: 1,
            players: vec![1, 2, 4, 8, 16, 32],
            config: Config::default(),
            json: false,
        };
        while let Some(option) = words.next() {
            if option == "--json" {
                options.json = true;
                continue;
            }
            let value = words
                .next()
                .ok_or_else(|| format!("{option}: no value, or no option"))?;
            let wrong = |error: &dyn std::fmt::Display| format!("{option} {value}: {error}");
            match option.as_str() {
                "--matches" => options.matches = value.parse().map_err(|error| wrong(&error))?,
                "--seed" => options.seed = value.parse().map_err(|error| wrong(&error))?,
                "--config" => {
                    options.config = serde_json::from_str(&value).map_err(|error| wrong(&error))?;
                }
                "--players" => {
                    let counts = value.split(',').map(str::parse);
                    options.players = counts
                        .collect::<Result<_, _>>()
                        .map_err(|error| wrong(&error))?;
                    let seats = 1..=MAX_PLAYERS;
                    if !options.players.iter().all(|count| seats.contains(count)) {
                        return Err(wrong(&format!("1 to {MAX_PLAYERS} play in a match")));
                    }
                }
                _ => return Err(format!("{option}: there is no such option")),
            }
        }
        if options.matches == 0 {
            return Err("--matches 0: that is none".to_owned());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let options = parse("--matches 7 --players 3,1 --json --config {\"city\":false}");
        let options = options.expect("it is understood");
        assert_eq!((options.matches, options.seed, options.json), (7, 1, true));
        assert_eq!(options.players, [3, 1]);
        assert!(!options.config.city);
        for bad in [
            "--matches",
            "--matches x",
            "--matches 0",
            "--fast 1",
            "--players 0",
            "--players 1,,2",
            "--players 65",
            "--config {\"cities\":1}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
