//! What a novice, a fair and a skilled player can and cannot do. Times are in ticks of the game.

/// How well a bot plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skill {
    /// Slow, aims badly, looks only at what is near, overrates itself, thinks of nobody else.
    Novice,
    /// Knows the game.
    Fair,
    /// Quick and exact, stays with others and cures them, avoids dead ends.
    Skilled,
}

/// A player's limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Ticks from seeing to doing.
    pub(crate) reaction: u32,
    /// Ticks between two actions of one plan.
    pub(crate) spacing: u32,
    /// Tenths of ticks per action in the long run.
    pub(crate) pace: u32,
    /// Ticks by which a blow that was timed comes too late, at most.
    pub(crate) late: u32,
    /// Angle steps by which an aim is off, at most.
    pub(crate) aim: u8,
    /// How far zombies and turned players are noticed, in tiles.
    pub(crate) threats: i32,
    /// How far items and friends are noticed, in tiles.
    pub(crate) things: i32,
    /// Zombies near by that it dares to stand up to.
    pub(crate) brave: usize,
    /// In how many of a hundred thoughts it thinks of a medkit that is needed.
    pub(crate) care: u32,
    /// Whether it cures friends, keeps near them, and saves medkits for infections.
    pub(crate) social: bool,
    /// Whether it looks for ways out before it runs somewhere.
    pub(crate) careful: bool,
}

impl Skill {
    /// All, the worst first.
    pub const ALL: [Self; 3] = [Self::Novice, Self::Fair, Self::Skilled];

    /// For tables and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Novice => "novice",
            Self::Fair => "fair",
            Self::Skilled => "skilled",
        }
    }

    pub(crate) fn limits(self) -> Limits {
        match self {
            Self::Novice => Limits {
                reaction: 5,
                spacing: 2,
                pace: 45,
                late: 3,
                aim: 3,
                threats: 7,
                things: 8,
                brave: 5,
                care: 25,
                social: false,
                careful: false,
            },
            Self::Fair => Limits {
                reaction: 3,
                spacing: 1,
                pace: 33,
                late: 2,
                aim: 2,
                threats: 9,
                things: 12,
                brave: 4,
                care: 60,
                social: true,
                careful: false,
            },
            Self::Skilled => Limits {
                reaction: 2,
                spacing: 1,
                pace: 25,
                late: 1,
                aim: 1,
                threats: 11,
                things: 15,
                brave: 4,
                care: 100,
                social: true,
                careful: true,
            },
        }
    }
}
