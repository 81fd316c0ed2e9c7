//! Which points the plots show, and how they are put together.

use super::draw::{Line, Panel, Plot};
use super::figures::{Figures, Waits};
use super::sweep::{INSTANCES, KILLS, Sweep};
use super::{Point, Routing, Strike};

const ALL_INSTANCES: [usize; 5] = [1, 2, 4, 8, 16];
const LEASES_MS: [u32; 6] = [100, 200, 400, 800, 1_200, 2_000];
const POLLS_MS: [u32; 5] = [100, 200, 500, 1_000, 2_000];

impl Sweep {
    /// The plots.
    pub fn plots(&self) -> Vec<Plot> {
        vec![self.waiting(), self.policy(), self.recovery(), self.races()]
    }

    /// How long an action waits, against lease and poll.
    pub fn waiting(&self) -> Plot {
        let lease = |lease_ms, instances| {
            let mut point = Point {
                instances,
                ..Point::default()
            };
            point.settings.lease_ms = lease_ms;
            point.settings.idle_ms = point.settings.idle_ms.max(lease_ms);
            point
        };
        let poll = |poll_ms, instances| {
            let mut point = Point {
                instances,
                ..Point::default()
            };
            point.settings.poll_ms = poll_ms;
            point
        };
        let framed = |figures: &Figures| figures.framed.clone();
        let others = |figures: &Figures| figures.others.clone();
        let bounds =
            |points: Vec<Point>| Line::bound("lease + 2 polls", points.iter().map(Point::bound_ms));
        let mut leases = self.lines(&LEASES_MS, lease, framed);
        leases.push(bounds(LEASES_MS.map(|ms| lease(ms, 1)).to_vec()));
        let mut polls = self.lines(&POLLS_MS, poll, others);
        polls.push(bounds(POLLS_MS.map(|ms| poll(ms, 1)).to_vec()));
        Plot {
            file: "waiting",
            title: "How long an action waits (8 clients, random routing)",
            panels: vec![
                Panel::new(
                    "until it is in a frame",
                    "lease, ms",
                    &LEASES_MS,
                    "milliseconds",
                    leases,
                ),
                Panel::new(
                    "until every other client has it",
                    "poll, ms",
                    &POLLS_MS,
                    "milliseconds",
                    polls,
                ),
            ],
        }
    }

    /// p50 and p99 for one, some and many instances, against something.
    fn lines(
        &self,
        along: &[u32],
        point: impl Fn(u32, usize) -> Point,
        of: impl Fn(&Figures) -> Waits,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        for (colour, instances) in INSTANCES.into_iter().enumerate() {
            let waits: Vec<Waits> = along
                .iter()
                .map(|x| of(&self.measure(&point(*x, instances))))
                .collect();
            lines.extend(Line::pair(&count(instances), colour, &waits));
        }
        lines
    }

    fn policy(&self) -> Plot {
        let mut panels = Vec::new();
        let routings = [
            ("random routing", Routing::Random),
            ("each in turn", Routing::RoundRobin),
            ("sticky routing", Routing::Sticky),
        ];
        for (name, routing) in routings {
            let mut lines = Vec::new();
            for (colour, exclusive) in [false, true].into_iter().enumerate() {
                let point = |instances| Point {
                    instances,
                    routing,
                    exclusive,
                    ..Point::default()
                };
                let waits = ALL_INSTANCES.map(|instances| self.measure(&point(instances)).framed);
                let policy = ["anybody pushes, or leads", "exclusive lease"][colour];
                lines.extend(Line::pair(policy, [0, 3][colour], &waits));
            }
            let bound = ALL_INSTANCES.map(|_| Point::default().bound_ms());
            lines.push(Line::bound("lease + 2 polls", bound));
            let instances = ALL_INSTANCES.map(|instances| instances as u32);
            panels.push(
                Panel::new(name, "instances", &instances, "milliseconds", lines).logarithmic(),
            );
        }
        Plot {
            file: "policy",
            title: "Until an action is in a frame, beside an exclusive lease (8 clients)",
            panels,
        }
    }

    fn recovery(&self) -> Plot {
        let lease = |lease_ms: u32| {
            let mut point = Point::default();
            point.settings.lease_ms = lease_ms;
            point.settings.idle_ms = point.settings.idle_ms.max(lease_ms);
            point
        };
        let kinds: [(&str, usize, &[Strike]); 3] = [
            ("usual interval", 0, &[Strike::Watch]),
            ("leader replaced", 1, &[Strike::HandOver]),
            ("leader killed", 3, &KILLS),
        ];
        let (mut leases, mut hosts) = (Vec::new(), Vec::new());
        for (name, colour, strikes) in kinds {
            let waits = LEASES_MS.map(|ms| self.stall(&lease(ms), strikes));
            leases.extend(Line::pair(name, colour, &waits));
            let waits = ALL_INSTANCES.map(|instances| {
                let point = Point {
                    instances,
                    ..Point::default()
                };
                self.stall(&point, strikes)
            });
            hosts.extend(Line::pair(name, colour, &waits));
        }
        let bounds = LEASES_MS.map(|ms| lease(ms).recovery_ms());
        leases.push(Line::bound("lease + poll + start", bounds));
        let bounds = ALL_INSTANCES.map(|_| Point::default().recovery_ms());
        hosts.push(Line::bound("lease + poll + start", bounds));
        let instances = ALL_INSTANCES.map(|instances| instances as u32);
        Plot {
            file: "recovery",
            title: "How long no frame comes (8 clients, four actions a second each)",
            panels: vec![
                Panel::new(
                    "four instances",
                    "lease, ms",
                    &LEASES_MS,
                    "milliseconds",
                    leases,
                ),
                Panel::new(
                    "lease 200 ms",
                    "instances",
                    &instances,
                    "milliseconds",
                    hosts,
                ),
            ],
        }
    }

    fn races(&self) -> Plot {
        let (mut lost, mut rates, mut trips) = (Vec::new(), Vec::new(), Vec::new());
        for (colour, clients) in [1, 8, 50].into_iter().enumerate() {
            let name = match clients {
                1 => "1 client".to_owned(),
                _ => format!("{clients} clients"),
            };
            let figures = ALL_INSTANCES.map(|instances| {
                self.measure(&Point {
                    instances,
                    clients,
                    ..Point::default()
                })
            });
            let line = |of: fn(&Figures) -> u64| Line::plain(&name, colour, figures.iter().map(of));
            lost.push(line(|figures| figures.lost_share()));
            rates.push(line(|figures| figures.frame_rate() / 10));
            trips.push(line(Figures::trips_share));
        }
        let instances = ALL_INSTANCES.map(|instances| instances as u32);
        let panel = |title, unit, lines| Panel::new(title, "instances", &instances, unit, lines);
        Plot {
            file: "races",
            title: "What more instances cost (random routing)",
            panels: vec![
                panel("appends lost to races", "%", lost),
                panel("frames in 10 s", "frames", rates),
                panel("store round trips for 100 requests", "round trips", trips),
            ],
        }
    }
}

fn count(instances: usize) -> String {
    match instances {
        1 => "1 instance".to_owned(),
        _ => format!("{instances} instances"),
    }
}
