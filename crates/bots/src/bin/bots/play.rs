//! One match between bots, and what is written down of it.

use baton::Solo;
use baton::{By, Player};
use bots::{Brain, Skill};
use contagion::{Config, Contagion, Phase, Role, What, Winner};

use crate::options::Options;

/// A match to be played.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) seed: u64,
    /// One bot each.
    pub(crate) skills: Vec<Skill>,
    /// `None`: all skills play together, or take turns where there are fewer players.
    pub(crate) only: Option<Skill>,
}

/// How a player did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Performance {
    pub(crate) skill: Skill,
    pub(crate) survived_ms: u32,
    pub(crate) lasted: bool,
    pub(crate) score: u32,
    pub(crate) struck: u32,
    pub(crate) cures: u32,
    pub(crate) infected: u32,
    pub(crate) actions: u32,
    pub(crate) refused: u32,
}

/// What happened in a match.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) winner: Winner,
    pub(crate) played_ms: u32,
    pub(crate) players: Vec<Performance>,
    /// Times that somebody was infected, and by turned players.
    pub(crate) infections: u32,
    pub(crate) infections_by_players: u32,
    /// Times that somebody was cured.
    pub(crate) cured: u32,
    pub(crate) felled: u32,
    pub(crate) most_zombies: u32,
    pub(crate) zombies: u32,
}

/// The matches: as many of each number of players; half with all skills, a sixth of each alone.
pub(crate) fn plan(options: &Options) -> Vec<Match> {
    const GROUPS: [Option<Skill>; 6] = [
        None,
        Some(Skill::Novice),
        None,
        Some(Skill::Fair),
        None,
        Some(Skill::Skilled),
    ];
    let counts = options.players.len();
    let planned = (0..options.matches).map(|index| {
        // The index among the matches with as many players.
        let turn = index / counts;
        let only = GROUPS[turn % GROUPS.len()];
        let skill = |player: usize| only.unwrap_or(Skill::ALL[(player + turn / 2) % 3]);
        Match {
            seed: options.seed.wrapping_mul(1_000_003) + turn as u64,
            skills: (0..options.players[index % counts]).map(skill).collect(),
            only,
        }
    });
    planned.collect()
}

/// Plays a match to its end.
pub(crate) fn play(planned: &Match, config: &Config) -> Record {
    let mut room = Solo::<Contagion>::new(*config, planned.seed);
    let mut brains: Vec<Brain> = Vec::new();
    for (player, &skill) in planned.skills.iter().enumerate() {
        brains.push(Brain::new(skill, planned.seed << 8 | player as u64));
        room.join(player as Player);
    }
    let mut record = Record {
        winner: Winner::Contagion,
        played_ms: 0,
        players: Vec::new(),
        infections: 0,
        infections_by_players: 0,
        cured: 0,
        felled: 0,
        most_zombies: 0,
        zombies: 0,
    };
    let (mut actions, mut refused) = (vec![0; brains.len()], vec![0; brains.len()]);
    let mut told = 0;
    while room.state().phase != Phase::Over {
        for (player, brain) in brains.iter_mut().enumerate() {
            if let Some(action) = brain.decide(room.state(), config, player as Player) {
                actions[player] += 1;
                let verdict = room.act(By::Player(player as Player), action);
                refused[player] += u32::from(verdict.is_err());
            }
        }
        room.tick();
        let field = &room.state().field;
        for event in field.feed.told().iter().filter(|event| event.seq > told) {
            match event.what {
                What::Bitten => {
                    record.infections += 1;
                    record.infections_by_players += u32::from(event.by.is_some());
                }
                What::Cured => record.cured += 1,
                What::Felled => record.felled += 1,
                What::Turned => {}
            }
        }
        told = field.feed.told().last().map_or(told, |event| event.seq);
        record.zombies = field.zombies.len() as u32;
        record.most_zombies = record.most_zombies.max(record.zombies);
    }
    let state = room.state();
    if let Some(last) = state.last {
        record.winner = last.winner;
        record.played_ms = last.played_ms;
    }
    for figure in state.field.everybody() {
        let (player, tally) = (figure.player as usize, figure.tally);
        record.players.push(Performance {
            skill: planned.skills[player],
            survived_ms: tally.survived_ms,
            lasted: figure.role == Role::Survivor,
            score: tally.score(),
            struck: tally.struck.into(),
            cures: tally.cures.into(),
            infected: tally.infected.into(),
            actions: actions[player],
            refused: refused[player],
        });
    }
    record
}
