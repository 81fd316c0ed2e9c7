//! Which points are measured, and the table of what they say.

use super::figures::{Figures, Waits};
use super::{Point, Routing, Store, Strike, run};

/// Of what a room costs and waits, one, some and many.
pub(super) const INSTANCES: [usize; 3] = [1, 4, 16];
/// The leader is killed in each of these ways.
pub(super) const KILLS: [Strike; 3] = [Strike::Between, Strike::Appending, Strike::Unanswered];

/// How much is measured for the table and the plots in the documentation: within a minute.
pub const DOCUMENTED: Sweep = Sweep {
    seeds: 2,
    run_ms: 50_000,
};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// Runs of each point.
    pub seeds: u64,
    /// How long each is, in milliseconds.
    pub run_ms: u64,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure, in its unit.
    pub value: u64,
    /// The unit.
    pub unit: &'static str,
    /// What it should not exceed, if there is such a thing.
    pub aim: Option<u64>,
}

impl Row {
    /// Whether the aim is met; true without one.
    pub fn is_ok(&self) -> bool {
        self.aim.is_none_or(|aim| self.value <= aim)
    }
}

impl Sweep {
    /// A point, over all seeds. Crowds are measured for a fifth of the time: they say as much in it.
    pub fn measure(&self, point: &Point) -> Figures {
        let run_ms = match point.clients > 20 {
            true => self.run_ms / 5,
            false => self.run_ms,
        };
        let mut figures = Figures::default();
        for seed in 1..=self.seeds {
            figures.add(run(&Point { run_ms, ..*point }, seed));
        }
        figures
    }

    /// How long a room stands still after a strike, over all these kinds.
    pub(super) fn stall(&self, point: &Point, strikes: &[Strike]) -> Waits {
        let mut figures = Figures::default();
        for strike in strikes {
            // Somebody always has something to say: without that no frame is missed.
            figures.add(self.measure(&Point {
                strike: *strike,
                act_every_ms: 250,
                ..*point
            }));
        }
        figures.stalls
    }

    /// The table: one, four and sixteen instances, and what makes a difference.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for instances in INSTANCES {
            let point = Point {
                instances,
                ..Point::default()
            };
            let figures = self.measure(&point);
            rows.extend(waits(&format!("{instances} instances"), &point, &figures));
            rows.extend(costs(instances, &figures));
        }
        let many = Point {
            instances: 16,
            ..Point::default()
        };
        for (name, point) in others(many) {
            let figures = self.measure(&point);
            rows.extend(waits(&format!("16, {name}"), &point, &figures));
        }
        rows.extend(self.updates());
        for instances in INSTANCES {
            let point = Point {
                instances,
                ..Point::default()
            };
            rows.extend(self.stalls(&format!("{instances}"), &point));
        }
        let broken = Point {
            broken_percent: 2,
            ..many
        };
        rows.extend(self.stalls("16, one in fifty breaks", &broken));
        rows.extend(self.stalls("16, cold instances", &Point { cold: true, ..many }));
        let keys = Point {
            store: Store::Keys,
            ..many
        };
        rows.extend(self.stalls("16, keys, no clock", &keys));
        rows
    }

    /// Frames a second of a crowd, at most those that one instance makes and a twentieth.
    fn updates(&self) -> Vec<Row> {
        let crowd = |instances| Point {
            instances,
            clients: 50,
            ..Point::default()
        };
        let alone = self.measure(&crowd(1)).frame_rate();
        let many = self.measure(&crowd(16));
        vec![
            row(
                "1 instance, 50 clients: frames in 100 s",
                alone,
                "frames",
                None,
            ),
            row(
                "16 instances, 50 clients: frames in 100 s",
                many.frame_rate(),
                "frames",
                Some(alone * 105 / 100),
            ),
            row(
                "16 instances, 50 clients: appends lost to races",
                many.lost_share(),
                "%",
                None,
            ),
        ]
    }

    fn stalls(&self, name: &str, point: &Point) -> Vec<Row> {
        let bound_ms = point.recovery_ms();
        let kinds: [(&str, &[Strike]); 3] = [
            ("usual interval", &[Strike::Watch]),
            ("leader killed", &KILLS),
            ("leader replaced", &[Strike::HandOver]),
        ];
        let mut rows = Vec::new();
        for (kind, strikes) in kinds {
            let stalls = self.stall(point, strikes);
            let name = format!("{name}: {kind}, no frame for");
            rows.push(row(&format!("{name}, p50"), stalls.p50(), "ms", None));
            rows.push(row(
                &format!("{name}, p99"),
                stalls.p99(),
                "ms",
                Some(bound_ms),
            ));
        }
        rows
    }
}

/// What makes a difference, beside many instances.
fn others(many: Point) -> [(&'static str, Point); 8] {
    let mut slow = many;
    slow.settings.lease_ms = 1_000;
    [
        ("lease of 1 s", slow),
        (
            "sticky",
            Point {
                routing: Routing::Sticky,
                ..many
            },
        ),
        (
            "round robin",
            Point {
                routing: Routing::RoundRobin,
                ..many
            },
        ),
        ("by socket", Point { live: true, ..many }),
        ("cold instances", Point { cold: true, ..many }),
        (
            "keys, no clock",
            Point {
                store: Store::Keys,
                ..many
            },
        ),
        (
            "one in fifty breaks",
            Point {
                broken_percent: 2,
                ..many
            },
        ),
        (
            "exclusive lease",
            Point {
                exclusive: true,
                ..many
            },
        ),
    ]
}

fn row(name: &str, value: u64, unit: &'static str, aim: Option<u64>) -> Row {
    Row {
        name: name.to_owned(),
        value,
        unit,
        aim,
    }
}

fn waits(name: &str, point: &Point, figures: &Figures) -> Vec<Row> {
    let bound_ms = point.bound_ms();
    let kinds = [
        ("in a frame", &figures.framed),
        ("seen by its author", &figures.own),
        ("seen by another", &figures.others),
    ];
    let rows = kinds.into_iter().flat_map(|(kind, waits)| {
        let name = format!("{name}: {kind}");
        [
            row(&format!("{name}, p50"), waits.p50(), "ms", None),
            row(&format!("{name}, p99"), waits.p99(), "ms", Some(bound_ms)),
        ]
    });
    rows.collect()
}

fn costs(instances: usize, figures: &Figures) -> Vec<Row> {
    let name = |what| format!("{instances} instances: {what}");
    vec![
        row(
            &name("frames in 100 s"),
            figures.frame_rate(),
            "frames",
            None,
        ),
        row(
            &name("appends lost to races"),
            figures.lost_share(),
            "%",
            None,
        ),
        row(
            &name("store round trips for 100 requests"),
            figures.trips_share(),
            "trips",
            None,
        ),
    ]
}
