//! Which configurations are explored, what each must reach, and which one finds which mutant.
//!
//! Decides sizes only. [`reduced`] is for every run of the tests; [`deep`] is for `soak`.

use super::Protocol;
use super::config::Config;
use super::mutants::Mutant;
use super::properties::{self, reach};
use super::store::Kind;

/// A configuration, and what must be reachable in it.
pub struct Case<M = Protocol> {
    /// The model in its configuration.
    pub model: M,
    /// Names of `sometimes` properties.
    pub reaches: Vec<&'static str>,
}

/// A mutant, where it is looked for, and the property that it breaks.
pub struct MutantCase<M = Protocol> {
    /// The model in its configuration, with its mutant.
    pub model: M,
    /// The name of an `always` property.
    pub breaks: &'static str,
}

/// Both kinds of store.
pub const KINDS: [Kind; 2] = [Kind::Compare, Kind::CreateIfAbsent];

/// Every fault but the roll-back: crashes, unanswered appends, lost replies, followers, requests out of order.
fn races(kind: Kind) -> Config {
    Config {
        unknowns: 1,
        crashes: 1,
        split_batches: true,
        follow: true,
        ..Config::small("races", kind)
    }
}

/// The store loses up to two frames; caches and snapshots survive it.
fn roll_back(kind: Kind) -> Config {
    Config {
        roll_back: 2,
        snapshots: true,
        split_batches: true,
        sends: 4,
        lost_replies: 0,
        cache_drops: 1,
        ..Config::small("roll-back", kind)
    }
}

/// A roll-back between a frame without players' actions, followers and an unanswered append.
fn roll_back_unknown(kind: Kind) -> Config {
    Config {
        roll_back: 1,
        unknowns: 1,
        crashes: 1,
        idle_frames: 1,
        follow: true,
        lost_replies: 0,
        ..Config::small("roll-back, unknown", kind)
    }
}

/// Two requests that share an instance's identity and cache, which may lead without a READ.
fn one_instance(kind: Kind) -> Config {
    Config {
        instances: 1,
        requests_per_instance: 2,
        split_batches: true,
        follow: true,
        lead_from_cache: true,
        unknowns: 1,
        roll_back: 1,
        lost_replies: 0,
        ..Config::small("two requests in one instance", kind)
    }
}

/// Two devices with an action each.
fn two_devices(kind: Kind) -> Config {
    Config {
        actions: &[1, 1],
        sends: 2,
        unknowns: 1,
        follow: true,
        lost_replies: 0,
        ..Config::small("two devices", kind)
    }
}

/// Two devices, and the store loses a frame.
fn two_devices_roll_back(kind: Kind) -> Config {
    Config {
        actions: &[1, 1],
        sends: 2,
        roll_back: 1,
        follow: true,
        lost_replies: 0,
        ..Config::small("two devices, roll-back", kind)
    }
}

/// Three instances.
fn three_instances(kind: Kind) -> Config {
    Config {
        instances: 3,
        unknowns: 1,
        roll_back: 1,
        sends_at_once: 3,
        split_batches: true,
        lost_replies: 0,
        ..Config::small("three instances", kind)
    }
}

/// The grace time ends, and then the store loses what was acknowledged.
fn grace(kind: Kind) -> Config {
    Config {
        roll_back: 1,
        split_batches: true,
        sends: 4,
        grace_ends: true,
        ..Config::small("grace ends", kind)
    }
}

/// The transport repeats an append after the store lost it.
fn repeats(kind: Kind) -> Config {
    Config {
        unknowns: 1,
        roll_back: 2,
        repeats: true,
        idle_frames: 1,
        sends: 4,
        lost_replies: 0,
        snapshots: true,
        ..Config::small("repeated writes", kind)
    }
}

/// What every run of the tests explores.
pub fn reduced() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let slots = kind == Kind::CreateIfAbsent;
        let case = |config: Config, reaches: &[&'static str], with_slots: &[&'static str]| Case {
            model: Protocol { config },
            reaches: [reaches, if slots { with_slots } else { &[] }].concat(),
        };
        use reach::*;
        cases.extend([
            case(
                races(kind),
                &[
                    TAKEOVER,
                    LOST_RACE,
                    UNKNOWN_FOUND,
                    UNKNOWN_LOST,
                    RETRY_YET_LOGGED,
                    VIA_INBOX,
                    DEDUPED,
                    GAP,
                    DONE,
                ],
                &[],
            ),
            case(
                roll_back(kind),
                &[BREAK, RESET, RECOVERED, SNAPSHOT, LOST_SNAPSHOT, GAP],
                &[VOID, HOLE, BEHIND_VOID, UNKNOWN_LOST],
            ),
            case(
                roll_back_unknown(kind),
                &[BREAK, RESET, RECOVERED, VIA_INBOX],
                &[VOID, HOLE],
            ),
            case(
                one_instance(kind),
                &[LOST_RACE, UNKNOWN_FOUND, BREAK, RESET, RECOVERED, VIA_INBOX],
                &[VOID, HOLE],
            ),
            case(
                two_devices(kind),
                &[
                    TAKEOVER,
                    LOST_RACE,
                    UNKNOWN_FOUND,
                    UNKNOWN_LOST,
                    VIA_INBOX,
                    DONE,
                ],
                &[],
            ),
            case(
                two_devices_roll_back(kind),
                &[TAKEOVER, BREAK, RESET, RECOVERED, VIA_INBOX],
                &[VOID, HOLE],
            ),
            case(
                three_instances(kind),
                &[LOST_RACE, UNKNOWN_FOUND, BREAK, RESET, RECOVERED],
                &[VOID, HOLE],
            ),
            case(grace(kind), &[FLOOR, RESET, GAP, DONE], &[]),
            case(
                repeats(kind),
                &[BREAK, RESET, RECOVERED, SNAPSHOT],
                &[VOID, HOLE],
            ),
        ]);
    }
    cases
}

/// What `soak` explores: the same, larger.
pub fn deep() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let larger = [
            Config {
                cache_drops: 1,
                idle_frames: 1,
                lead_from_cache: true,
                ..races(kind)
            },
            Config {
                unknowns: 1,
                sends: 3,
                idle_frames: 1,
                ..roll_back(kind)
            },
            Config {
                sends: 4,
                ..one_instance(kind)
            },
            Config {
                actions: &[2, 1],
                split_batches: true,
                ..two_devices(kind)
            },
            Config {
                unknowns: 1,
                ..two_devices_roll_back(kind)
            },
            Config {
                sends: 4,
                ..three_instances(kind)
            },
            Config {
                unknowns: 1,
                follow: true,
                sends: 3,
                ..grace(kind)
            },
            Config {
                follow: true,
                crashes: 1,
                ..repeats(kind)
            },
            Config {
                name: "two requests in each of two",
                instances: 2,
                sends_at_once: 3,
                ..one_instance(kind)
            },
        ];
        cases.extend(larger.into_iter().map(|config| Case {
            model: Protocol { config },
            reaches: vec![reach::DONE, reach::LOST_RACE],
        }));
    }
    cases
}

/// Every mutant, in the configurations that find it.
pub fn mutants() -> Vec<MutantCase> {
    use Kind::{Compare, CreateIfAbsent};
    use properties::*;
    let case = |mutant, config: Config, breaks| MutantCase {
        model: Protocol {
            config: Config { mutant, ..config },
        },
        breaks,
    };
    let mut cases = vec![
        case(Mutant::NoVersionCheck, races(Compare), ONE_CHAIN),
        case(Mutant::NoVersionCheck, races(CreateIfAbsent), ONLY_EXTENDED),
        case(Mutant::NoHashCheck, roll_back(Compare), ONE_CHAIN),
        case(
            Mutant::NoHashCheck,
            roll_back(CreateIfAbsent),
            REPLIES_COMMITTED,
        ),
        case(
            Mutant::IdentityInsteadOfVersion,
            one_instance(Compare),
            ONE_CHAIN,
        ),
        case(
            Mutant::StepOverHole,
            roll_back(CreateIfAbsent),
            ONLY_EXTENDED,
        ),
        case(Mutant::VoidBlocks, roll_back(CreateIfAbsent), NEVER_WEDGED),
        case(
            Mutant::SlotReadBeforeWrite,
            roll_back(CreateIfAbsent),
            REPLIES_COMMITTED,
        ),
        case(
            Mutant::OneSlotChecked,
            repeats(CreateIfAbsent),
            READERS_AGREE,
        ),
    ];
    for kind in KINDS {
        cases.extend([
            case(Mutant::MarksTakeGaps, races(kind), EXACTLY_ONCE),
            case(Mutant::MarksNotCompared, races(kind), EXACTLY_ONCE),
            case(
                Mutant::AcknowledgeBeforeAppend,
                races(kind),
                REPLIES_COMMITTED,
            ),
            case(Mutant::UnknownAsLost, races(kind), LOST_IS_LOST),
            case(Mutant::UnknownAsOk, races(kind), REPLIES_COMMITTED),
            case(Mutant::SnapshotUnverified, roll_back(kind), READERS_AGREE),
            case(Mutant::CacheNotChecked, roll_back(kind), READERS_AGREE),
            case(Mutant::ReplyFromCache, one_instance(kind), NEVER_WEDGED),
            case(Mutant::CursorByVersion, roll_back(kind), RESET_TOLD),
            case(
                Mutant::DropAcknowledgedAtOnce,
                roll_back(kind),
                NEVER_WEDGED,
            ),
            case(Mutant::EpochKept, races(kind), EPOCHS_RISE),
            case(Mutant::FloorNotHonoured, grace(kind), NEVER_WEDGED),
        ]);
    }
    cases
}
