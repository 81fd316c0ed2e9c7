//! From records to tables: shares, medians, quartiles. Integers only, as everywhere beside the
//! rules; shares are in percent, lengths in seconds.

use std::fmt::Write;

use bots::Skill;
use contagion::Winner;
use serde_json::{Value, json};

use crate::play::{Match, Performance, Record};

/// No side may win more often than this, in percent.
const MOST: u64 = 70;
/// In percent, as all quantiles.
const QUARTILES: [usize; 3] = [25, 50, 75];

/// Everything that was played.
pub(crate) struct Report<'a> {
    played: Vec<(&'a Match, &'a Record)>,
    counts: Vec<usize>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(matches: &'a [Match], records: &'a [Record]) -> Self {
        let mut counts: Vec<usize> = matches.iter().map(|planned| planned.skills.len()).collect();
        counts.sort_unstable();
        counts.dedup();
        Self {
            played: matches.iter().zip(records).collect(),
            counts,
        }
    }

    /// Whether no side wins too often, and skill shows in scores and in time survived.
    pub(crate) fn holds(&self) -> bool {
        let wins = self.wins(&self.mixed(None));
        (100 - MOST..=MOST).contains(&wins) && self.skill_shows()
    }

    /// Records of mixed matches, with so many players.
    fn mixed(&self, count: Option<usize>) -> Vec<&'a Record> {
        self.of(None, count)
    }

    fn of(&self, only: Option<Skill>, count: Option<usize>) -> Vec<&'a Record> {
        let played = self.played.iter();
        let chosen = played.filter(|(planned, _)| {
            planned.only == only && count.is_none_or(|count| planned.skills.len() == count)
        });
        chosen.map(|(_, record)| *record).collect()
    }

    /// How often survivors win.
    fn wins(&self, records: &[&Record]) -> u64 {
        let won = records
            .iter()
            .filter(|record| record.winner == Winner::Survivors);
        percent(won.count() as u64, records.len() as u64)
    }

    fn skill_shows(&self) -> bool {
        let all = self.mixed(None);
        let sums = Skill::ALL.map(|skill| {
            let players: Vec<_> = of_skill(&all, skill).collect();
            let mean = |sum: u64| sum / (players.len() as u64).max(1);
            let score = players.iter().map(|player| u64::from(player.score)).sum();
            let survived = players.iter().map(|p| u64::from(p.survived_ms)).sum();
            (mean(score), mean(survived))
        });
        sums.is_sorted_by(|worse, better| worse.0 < better.0 && worse.1 < better.1)
    }

    /// The tables.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text)
            .expect("a string takes whatever is written");
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "Mixed groups: novice, fair and skilled bots together\n"
        )?;
        writeln!(
            out,
            "| players | matches | survivors win | length, s: 25 % 50 % 75 % | turned | infections per player | by players | cured | felled | struck per player | zombies: most, end |"
        )?;
        writeln!(out, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for &count in &self.counts {
            self.write_row(out, &count.to_string(), &self.mixed(Some(count)))?;
        }
        self.write_row(out, "all", &self.mixed(None))?;
        writeln!(out, "\nThe same matches by skill\n")?;
        writeln!(
            out,
            "| players | skill | lasted to the end | survived, s: 25 % 50 % 75 % | score: 10 % 50 % 90 % | struck | cures of others | infected others | actions per s | refused |"
        )?;
        writeln!(out, "|--:|:--|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for count in self.counts.iter().copied().map(Some).chain([None]) {
            for skill in Skill::ALL {
                write_skill(out, count, skill, &self.mixed(count))?;
            }
        }
        writeln!(
            out,
            "\nGroups of one skill: how often survivors win, and the median length\n"
        )?;
        writeln!(
            out,
            "| players | novice | fair | skilled |\n|--:|--:|--:|--:|"
        )?;
        for &count in &self.counts {
            write!(out, "| {count} |")?;
            for skill in Skill::ALL {
                let records = self.of(Some(skill), Some(count));
                let lengths = lengths(&records);
                write!(out, " {} %, {} s |", self.wins(&records), at(&lengths, 50))?;
            }
            writeln!(out)?;
        }
        let wins = self.wins(&self.mixed(None));
        writeln!(
            out,
            "\nSurvivors win {wins} %, the contagion {} % (at most {MOST} % each): {}. Skill shows in points and in time survived: {}.",
            100 - wins,
            if (100 - MOST..=MOST).contains(&wins) {
                "ok"
            } else {
                "UNBALANCED"
            },
            if self.skill_shows() { "yes" } else { "NO" },
        )
    }

    fn write_row(&self, out: &mut String, name: &str, records: &[&Record]) -> std::fmt::Result {
        let lengths = lengths(records);
        let sum = |of: &dyn Fn(&Record) -> u64| records.iter().map(|record| of(record)).sum();
        let players: u64 = sum(&|record| record.players.len() as u64);
        let turned: u64 = sum(&|record| {
            let turned = record.players.iter().filter(|player| !player.lasted);
            turned.count() as u64
        });
        let struck: u64 = sum(&|record| record.players.iter().map(|p| u64::from(p.struck)).sum());
        let infections: u64 = sum(&|record| record.infections.into());
        let by_players = sum(&|record| record.infections_by_players.into());
        let felled: u64 = sum(&|record| record.felled.into());
        writeln!(
            out,
            "| {name} | {} | {} % | {} {} {} | {} % | {} | {} % | {} % | {} | {} | {}, {} |",
            records.len(),
            self.wins(records),
            at(&lengths, 25),
            at(&lengths, 50),
            at(&lengths, 75),
            percent(turned, players),
            tenths(infections, players),
            percent(by_players, infections),
            percent(sum(&|record| record.cured.into()), infections),
            tenths(felled, records.len() as u64),
            tenths(struck, players),
            at(
                &sorted(records.iter().map(|record| record.most_zombies)),
                50
            ),
            at(&sorted(records.iter().map(|record| record.zombies)), 50),
        )
    }

    /// The figures of the tables.
    pub(crate) fn json(&self) -> Value {
        let groups = [
            None,
            Some(Skill::Novice),
            Some(Skill::Fair),
            Some(Skill::Skilled),
        ];
        let mut rows = Vec::new();
        for (count, only) in self
            .counts
            .iter()
            .flat_map(|&count| groups.map(|only| (count, only)))
        {
            let records = self.of(only, Some(count));
            let lengths = lengths(&records);
            let skills = Skill::ALL.map(|skill| {
                let survived = sorted(of_skill(&records, skill).map(|p| p.survived_ms / 1_000));
                let scores = sorted(of_skill(&records, skill).map(|p| p.score));
                json!({
                    "skill": skill.name(),
                    "players": scores.len(),
                    "survived_s": (QUARTILES.map(|part| at(&survived, part))),
                    "score": ([10, 50, 90].map(|part| at(&scores, part))),
                })
            });
            rows.push(json!({
                "players": count,
                "group": only.map_or("mixed", Skill::name),
                "matches": records.len(),
                "survivors_win_percent": self.wins(&records),
                "length_s": (QUARTILES.map(|part| at(&lengths, part))),
                "most_zombies": at(&sorted(records.iter().map(|r| r.most_zombies)), 50),
                "skills": skills,
            }));
        }
        json!({
            "survivors_win_percent": self.wins(&self.mixed(None)),
            "skill_shows": self.skill_shows(),
            "rows": rows,
        })
    }
}

fn write_skill(
    out: &mut String,
    count: Option<usize>,
    skill: Skill,
    records: &[&Record],
) -> std::fmt::Result {
    let players: Vec<&Performance> = of_skill(records, skill).collect();
    let number = players.len() as u64;
    let sum = |of: &dyn Fn(&Performance) -> u32| -> u64 {
        players.iter().map(|player| u64::from(of(player))).sum()
    };
    let survived = sorted(players.iter().map(|player| player.survived_ms / 1_000));
    let scores = sorted(players.iter().map(|player| player.score));
    let seconds: u64 = records
        .iter()
        .map(|record| {
            let playing = record.players.iter().filter(|player| player.skill == skill);
            playing.count() as u64 * u64::from(record.played_ms / 1_000)
        })
        .sum();
    let actions = sum(&|player| player.actions);
    writeln!(
        out,
        "| {} | {} | {} % | {} {} {} | {} {} {} | {} | {} | {} | {} | {} % |",
        count.map_or("all".to_owned(), |count| count.to_string()),
        skill.name(),
        percent(sum(&|player| player.lasted.into()), number),
        at(&survived, 25),
        at(&survived, 50),
        at(&survived, 75),
        at(&scores, 10),
        at(&scores, 50),
        at(&scores, 90),
        tenths(sum(&|player| player.struck), number),
        tenths(sum(&|player| player.cures), number),
        tenths(sum(&|player| player.infected), number),
        tenths(actions, seconds),
        percent(sum(&|player| player.refused), actions),
    )
}

fn of_skill<'a>(records: &[&'a Record], skill: Skill) -> impl Iterator<Item = &'a Performance> {
    let all: Vec<&Record> = records.to_vec();
    all.into_iter()
        .flat_map(|record| &record.players)
        .filter(move |player| player.skill == skill)
}

fn lengths(records: &[&Record]) -> Vec<u32> {
    sorted(records.iter().map(|record| record.played_ms / 1_000))
}

fn sorted(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    values
}

/// The value below which so many percent lie; 0 of none.
fn at(sorted: &[u32], percent: usize) -> u32 {
    let index = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(index).copied().unwrap_or(0)
}

/// Rounded; 0 of none.
fn percent(part: u64, whole: u64) -> u64 {
    (part * 100 + whole / 2) / whole.max(1)
}

/// A mean with one decimal.
fn tenths(sum: u64, number: u64) -> String {
    let tenths = (sum * 10 + number / 2) / number.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_quantiles_are_what_they_are_called() {
        let values = sorted([9, 1, 5, 3, 7].into_iter());
        assert_eq!(
            [0, 25, 50, 75, 100].map(|part| at(&values, part)),
            [1, 3, 5, 7, 9]
        );
        assert_eq!((at(&[], 50), percent(0, 0)), (0, 0));
        assert_eq!((percent(1, 3), percent(2, 3), percent(5, 5)), (33, 67, 100));
        assert_eq!(
            (tenths(7, 2), tenths(1, 3)),
            ("3.5".to_owned(), "0.3".to_owned())
        );
    }
}
