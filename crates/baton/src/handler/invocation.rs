//! One batch of requests on its way: which effect comes next, and what its result means.

use alloc::{string::String, vec::Vec};
use core::mem;

use serde_bytes::ByteBuf;

use super::Instance;
use super::arrivals::{Ask, Asked, Waiting, read_inbox};
use super::attempt::Attempt;
use super::deliver::Round;
use super::ladder::{Outlived, Trap};
use super::lead::Led;
use super::reply::{self, Desk, Newest};
use super::warm::{Foreign, Trouble, Warm};
use crate::effect::{Arrival, Effect, Fed, Found, Moment, NEWEST, Outcome, Read};
use crate::error::Code;
use crate::id::{Head, Writer};
use crate::kind::Kind;
use crate::lease::{Sight, Turn, turn};
use crate::mutant::{self, Mutant};
use crate::room::Room;
use crate::settings::Settings;
use crate::wire;

/// How often a lost append is tried again before the request follows.
pub(super) const MAX_LOST: u8 = 3;
/// How often one invocation reads before it gives up: breaks and short reads each cost one.
pub(super) const MAX_READS: u8 = 8;
/// For how many leases an instance that saw others take part reads before it leads.
const COMPANY_LEASES: u64 = 10;

/// One batch of requests on its way.
pub struct Invocation<R: Kind> {
    pub(super) name: String,
    pub(super) writer: Writer,
    pub(super) settings: Settings,
    pub(super) config: R::Config,
    pub(super) wanted: u32,
    pub(super) asked: Vec<Asked>,
    pub(super) warm: Warm<R>,
    pub(super) phase: Phase<R>,
    /// Nothing was remembered of the room.
    pub(super) cold: bool,
    /// Whether the same batch trapped another instance.
    pub(super) trap: Option<Trap>,
    pub(super) outlived: Option<Outlived>,
    pub(super) lost: u8,
    pub(super) reads: u8,
    /// What was noted and set aside.
    pub(super) tries: u8,
    pub(super) wait_ms: u32,
    /// A write was asked for.
    pub(super) tried: bool,
    block: Option<Vec<ByteBuf>>,
    /// For the operator: the newest frames that were read.
    newest: Option<Newest>,
    /// Old cursors, and whether they are in the store's history.
    pub(super) checked: Vec<(Head, bool)>,
}

pub(super) enum Phase<R: Kind> {
    Starting,
    Reading,
    Appending(Led<R>),
    /// The append's outcome is unknown: the read that follows looks for the frame.
    Doubting(Led<R>),
    Pushing,
    Delivering(Round),
    /// The answers wait for what other rooms said to be noted.
    Acknowledging(Led<R>, Vec<Outcome>),
    /// Looks up whether a client's old cursor is in the store's history.
    Checking(Head),
    /// The record that is noted, or none, to remove it.
    Noting(Option<Attempt>),
    /// A try that settled nothing is taken back; then the answers.
    TakingBack(Outlived, Option<ByteBuf>),
    Done,
}

impl<R: Kind> Invocation<R> {
    pub(super) fn new(
        instance: &Instance<R>,
        name: String,
        arrivals: Vec<Arrival>,
        warm: Warm<R>,
    ) -> Self {
        let mut asked: Vec<Asked> = arrivals.into_iter().map(Asked::read).collect();
        if R::PERSONAL {
            let owner = name.split_once('/').map(|(_, user)| user);
            asked.iter_mut().for_each(|asked| asked.admit(owner));
        } else {
            asked.iter_mut().for_each(Asked::forbid_orders);
        }
        Self {
            name,
            writer: instance.writer,
            settings: instance.settings,
            config: instance.config.clone(),
            wanted: instance.wanted,
            asked,
            cold: warm.room.is_none(),
            warm,
            phase: Phase::Starting,
            trap: None,
            outlived: None,
            lost: 0,
            reads: 0,
            tries: 0,
            wait_ms: 0,
            tried: false,
            block: None,
            newest: None,
            checked: Vec::new(),
        }
    }

    /// Feeds back the result of the last effect. `instance` is the one that began it.
    pub fn resume(&mut self, instance: &mut Instance<R>, fed: Fed, moment: Moment) -> Effect {
        let effect = self.step(fed, &moment);
        instance.keep_if_done(self, &effect, &moment);
        effect
    }

    pub(super) fn start(&mut self, moment: &Moment) -> Effect {
        if self.asked.iter().all(|asked| asked.refusal.is_some()) {
            return self.reply(moment);
        }
        let begun = |foreign: &Foreign| R::knows(foreign.edition.rules);
        if self.warm.foreign.as_ref().is_some_and(begun) {
            // Rules that are here, but nothing to begin with: there may be a snapshot by now.
            self.warm.drop_room();
        }
        if self.warm.room.is_some() && mutant::on(Mutant::ReplyFromCache) {
            let room = self.warm.room.as_ref();
            for asked in &mut self.asked {
                asked.judge(room, &[], self.warm.now_ms(moment));
            }
            if self.asked.iter().all(|asked| asked.need.is_none()) {
                return self.reply(moment);
            }
        }
        let (inbox, _) = read_inbox(&self.warm.inbox);
        match self.guess(&inbox, moment) {
            Some(effect) => effect,
            None => self.read(),
        }
    }

    /// The one round trip of the steady state: who is warm and knows whose turn it is writes at
    /// once, and learns from the same trip what it missed. Never more than a saved read: a wrong
    /// guess is lost, or lies in the inbox.
    fn guess(&mut self, inbox: &[Waiting], moment: &Moment) -> Option<Effect> {
        let room = self.warm.room.as_ref()?;
        self.warm.lease_now(moment)?;
        let known = self.trap.is_none() && self.warm.attempt.is_none();
        if self.warm.foreign.is_some() || !known {
            return None;
        }
        let plays =
            |asked: &Asked| matches!(asked.ask, Ask::Play(_) | Ask::Deliver(_) | Ask::Order(..));
        let low = reply::since(&self.asked, room.head(), self.settings.recent);
        if !self.asked.iter().all(plays) || low < self.warm.recent.first() {
            return None;
        }
        let now_ms = self.warm.now_ms(moment);
        let mut judged: Vec<Option<_>> = Vec::with_capacity(self.asked.len());
        for asked in &mut self.asked {
            let before = asked.refusal;
            asked.judge(self.warm.room.as_ref(), inbox, now_ms);
            judged.push(asked.refusal.filter(|_| before.is_none()));
        }
        let doubtful = judged.iter().any(Option::is_some);
        let news = self.asked.iter().any(|asked| asked.need.is_some());
        if doubtful || !news {
            // What is refused may only be unknown to us: read first.
            for (asked, refusal) in self.asked.iter_mut().zip(&judged) {
                if refusal.is_some() {
                    asked.refusal = None;
                }
            }
            return None;
        }
        let company_ms = COMPANY_LEASES * u64::from(self.settings.lease_ms);
        let company = self.warm.has_company(company_ms, moment);
        match self.turn(moment) {
            // What others pushed meanwhile would wait for another lease: it is renewed by this frame.
            Turn::Ours if company && !mutant::on(Mutant::RenewedUnread) => None,
            Turn::Ours => self.lead(moment),
            Turn::Early { wait_ms } | Turn::Theirs { wait_ms } => {
                self.wait_ms = wait_ms;
                Some(self.push())
            }
            Turn::Free => None,
        }
    }

    fn step(&mut self, fed: Fed, moment: &Moment) -> Effect {
        match mem::replace(&mut self.phase, Phase::Done) {
            Phase::Reading => match fed {
                Fed::Read(found) => self.found(found, moment),
                _ => self.retry(moment),
            },
            Phase::Appending(led) => match fed {
                Fed::Appended(true, found) => self.appended(led, found, moment),
                _ if mutant::on(Mutant::AnsweredBeforeAppend) => {
                    self.take_over(led);
                    self.asked.iter_mut().for_each(|asked| asked.need = None);
                    self.reply(moment)
                }
                // What came along was read as seen from the frame that is not there: it cannot tell
                // a rival from a break.
                Fed::Appended(false, _) => {
                    self.lost += 1;
                    self.read()
                }
                // Unknown: it may be in the log, or come there late.
                _ => {
                    let effect = self.read();
                    self.phase = Phase::Doubting(led);
                    effect
                }
            },
            Phase::Doubting(led) => match fed {
                Fed::Read(found) => self.doubt(led, found, moment),
                _ => self.retry(moment),
            },
            Phase::Pushing => match fed {
                Fed::Pushed(found) => self.pushed(found, moment, None),
                Fed::Full(found) => self.pushed(found, moment, Some(Code::Busy)),
                _ => self.retry(moment),
            },
            Phase::Delivering(round) => self.delivered(round, fed, moment),
            Phase::Acknowledging(led, outcomes) => self.acknowledged(led, outcomes, fed, moment),
            Phase::Checking(cursor) => self.checked(cursor, fed, moment),
            Phase::Noting(record) => match fed {
                Fed::Noted(found) => self.noted(record, found, moment),
                _ => self.retry(moment),
            },
            Phase::TakingBack(outlived, now) => self.taken_back(outlived, now, fed, moment),
            Phase::Starting | Phase::Done => self.retry(moment),
        }
    }

    pub(super) fn read_of(&self) -> Read {
        let known = self.warm.head();
        let since = match known.v {
            0 => self.cursor(),
            _ => reply::since(&self.asked, known, self.settings.recent).min(known.v),
        };
        let block = self.asked.iter().find_map(|asked| match asked.ask {
            Ask::Block { last, .. } => Some(last),
            Ask::Log { from } => Some(reply::block_of(from)),
            _ => None,
        });
        Read {
            known,
            since: self.logged().map_or(since, |from| since.min(from - 1)),
            block,
        }
    }

    /// The lowest version that an operator asks for which, as far as is known, is in no full block yet.
    fn logged(&self) -> Option<u64> {
        let known = self.warm.head().v;
        let logged = self.asked.iter().filter_map(|asked| match asked.ask {
            Ask::Log { from } if reply::block_of(from) > known => Some(from),
            _ => None,
        });
        logged.min()
    }

    /// For a cold instance: the lowest cursor above 0, or the newest.
    fn cursor(&self) -> u64 {
        let cursors = self.asked.iter().filter_map(|asked| match &asked.ask {
            Ask::Play(request) if request.cursor.v > 0 => Some(request.cursor.v),
            _ => None,
        });
        cursors.min().unwrap_or(NEWEST).min(NEWEST)
    }

    pub(super) fn read(&mut self) -> Effect {
        self.reads += 1;
        self.phase = Phase::Reading;
        Effect::Read(self.read_of())
    }

    /// Takes in a read; then the decision of the request.
    fn found(&mut self, found: Found, moment: &Moment) -> Effect {
        match self.absorb(found, moment) {
            Ok(()) => self.decide(moment),
            Err(trouble) => self.trouble(trouble, moment),
        }
    }

    /// What a read found is of no use.
    pub(super) fn trouble(&mut self, trouble: Trouble, moment: &Moment) -> Effect {
        match trouble {
            Trouble::Break | Trouble::Short if self.reads < MAX_READS => self.read(),
            _ => {
                self.warm.drop_room();
                self.fail(Code::Corrupt, moment)
            }
        }
    }

    pub(super) fn absorb(&mut self, mut found: Found, moment: &Moment) -> Result<(), Trouble> {
        if let Some(block) = found.block.take() {
            self.block = Some(block);
        }
        let operated = |asked: &Asked| matches!(asked.ask, Ask::Log { .. });
        if self.asked.iter().any(operated) {
            self.newest = Some(Newest {
                head: found.head,
                frames: found.frames.clone(),
            });
        }
        let keep = usize::try_from(self.settings.recent).unwrap_or(usize::MAX);
        self.warm.absorb(found, keep, moment)
    }

    /// Lead or follow.
    pub(super) fn decide(&mut self, moment: &Moment) -> Effect {
        let (inbox, junk) = read_inbox(&self.warm.inbox);
        let foreign = self.warm.foreign.as_ref();
        if let Some(foreign) = foreign.filter(|_| !mutant::on(Mutant::OldRulesLead)) {
            let open = foreign.open;
            return self.pass(open, &inbox, moment);
        }
        let now_ms = self.warm.now_ms(moment);
        for asked in &mut self.asked {
            asked.judge(self.warm.room.as_ref(), &inbox, now_ms);
        }
        if self.trap.is_some() {
            return self.confess(moment);
        }
        if self.warm.room.as_ref().is_some_and(Room::halted) && !self.switch_due() {
            return self.reply(moment);
        }
        let wanted = self.asked.iter().any(|asked| asked.need.is_some());
        if wanted && self.warm.attempt.is_some() {
            // While something is suspected it is the inbox that is tried, one thing at a time.
            return self.push();
        }
        let own = self.idle_due(now_ms) || self.switch_due() || self.owes(now_ms);
        let due = own || self.holds_up(now_ms);
        if !wanted && inbox.is_empty() && junk.is_empty() && !due {
            return self.reply(moment);
        }
        match self.turn(moment) {
            Turn::Free | Turn::Ours if self.lost < MAX_LOST => {
                if let Some(effect) = self.lead(moment) {
                    return effect;
                }
                // Nothing of it made a difference, so nothing of it has to be kept.
                for asked in &mut self.asked {
                    asked.need = None;
                }
            }
            Turn::Early { wait_ms } | Turn::Theirs { wait_ms } => self.wait_ms = wait_ms,
            Turn::Free | Turn::Ours => self.wait_ms = self.settings.frame_ms,
        }
        if self.asked.iter().any(Asked::writes) {
            return self.push();
        }
        self.reply(moment)
    }

    /// The room's rules are not here: what is said goes to the inbox, for whoever has them. Never
    /// leads. Who may read the room cannot be told: if not everybody may, nobody is answered.
    fn pass(&mut self, open: bool, inbox: &[Waiting], moment: &Moment) -> Effect {
        if !open {
            return self.fail(reply::without_rules(self.tried), moment);
        }
        for asked in &mut self.asked {
            asked.hand_on(inbox);
        }
        match self.asked.iter().any(Asked::writes) {
            true => self.push(),
            false => self.reply(moment),
        }
    }

    /// Whether the room has something to do by itself. While something is suspected that is not asked, since the question
    /// may be at fault: it is tried.
    fn owes(&self, now_ms: u64) -> bool {
        let room = self.warm.room.as_ref();
        match &self.warm.attempt {
            Some(bytes) => Attempt::read(bytes, 0).is_timely(),
            None => room.is_some_and(|room| room.owes(now_ms)),
        }
    }

    /// Whether what the room sends waits for a record to be settled: perhaps nobody else has a reason to.
    fn holds_up(&self, now_ms: u64) -> bool {
        let room = self.warm.room.as_ref();
        let sends = |room: &Room<R>| !room.parcels(&self.name, now_ms).is_empty();
        self.warm.attempt.is_some() && self.settings.deliver && room.is_some_and(sends)
    }

    /// Whether the operator wants the room on later rules.
    pub(super) fn switch_due(&self) -> bool {
        let room = self.warm.room.as_ref();
        room.is_some_and(|room| R::next(room.config(), self.wanted).is_some())
    }

    pub(super) fn turn(&self, moment: &Moment) -> Turn {
        let Some(room) = &self.warm.room else {
            return Turn::Free;
        };
        let sight = Sight {
            lease: self.warm.lease_now(moment),
            head_v: room.head().v,
            writer: room.writer(),
            time_ms: room.time_ms(),
            clock_ms: self.warm.clock_ms(moment),
            wall_ms: moment.wall_ms,
            watched_ms: self.warm.watched_ms(moment),
        };
        turn(
            &sight,
            self.writer,
            self.settings.frame_ms,
            self.settings.lease_ms,
        )
    }

    /// Whether a frame of nothing but time is due. A paused room and rules without ticks need none.
    pub(super) fn idle_due(&self, now_ms: u64) -> bool {
        self.warm.room.as_ref().is_some_and(|room| {
            let timely = room.pace().tick_ms != 0 && !room.paused();
            // Behind its own time it is catching up, or something was tried without time: due at once, by any clock.
            let lags = room.tick() < room.tick_at(room.time_ms());
            let behind_ms = now_ms.saturating_sub(room.time_of(room.tick()));
            timely && (lags || behind_ms >= u64::from(self.settings.idle_ms))
        })
    }

    /// Follow: what is new goes to the inbox.
    pub(super) fn push(&mut self) -> Effect {
        let items = self.asked.iter().filter_map(|asked| {
            let pushed = asked.need.as_ref()?;
            Some(ByteBuf::from(wire::write(pushed)))
        });
        let items: Vec<_> = items.collect();
        self.tried = true;
        self.warm.pushing = items.len();
        self.phase = Phase::Pushing;
        Effect::Push(items, self.read_of())
    }

    fn pushed(&mut self, found: Found, moment: &Moment, full: Option<Code>) -> Effect {
        if full.is_some() {
            self.warm.pushing = 0;
        }
        for asked in &mut self.asked {
            if asked.need.take().is_some() {
                match full {
                    Some(code) => asked.refuse(code),
                    None => (asked.waits, asked.written) = (true, true),
                }
            }
        }
        match self.absorb(found, moment) {
            Ok(()) => {}
            Err(Trouble::Break | Trouble::Short) if self.reads < MAX_READS => return self.read(),
            Err(_) => return self.fail(Code::Retry, moment),
        }
        if self.trap.is_some() {
            return self.decide(moment);
        }
        // If it turns out that nobody leads, we do; what we pushed is in the inbox by now.
        let turn = self.turn(moment);
        if self.warm.foreign.is_none()
            && matches!(turn, Turn::Free | Turn::Ours)
            && self.lost < MAX_LOST
        {
            self.lost += 1;
            return self.decide(moment);
        }
        self.reply(moment)
    }

    /// Every request that may have written something is told to send the same again.
    pub(super) fn retry(&mut self, moment: &Moment) -> Effect {
        self.warm.drop_room();
        self.fail(Code::Retry, moment)
    }

    pub(super) fn fail(&mut self, code: Code, moment: &Moment) -> Effect {
        for asked in &mut self.asked {
            // What was read for the operator needs no rules, and no sound room.
            let read = matches!(asked.ask, Ask::Log { .. }) && self.newest.is_some();
            if asked.refusal.is_none() && !read {
                asked.refuse(code);
            }
        }
        self.reply(moment)
    }

    pub(super) fn reply(&mut self, moment: &Moment) -> Effect {
        if let Some(effect) = self.take_back().or_else(|| self.check()) {
            return effect;
        }
        self.phase = Phase::Done;
        let strangers = self.checked.iter().filter(|(_, there)| !there);
        let strangers: Vec<Head> = strangers.map(|(head, _)| *head).collect();
        let desk = Desk {
            warm: &self.warm,
            settings: &self.settings,
            now_ms: self.warm.now_ms(moment),
            wait_ms: self.wait_ms,
            tried: self.tried,
            trapped: self.trap.is_some(),
            block: self.block.as_deref(),
            newest: self.newest.as_ref(),
            strangers: &strangers,
            spread: moment.nonce.spread(),
        };
        let answers = self.asked.iter().enumerate();
        let outcomes: Vec<Outcome> = answers
            .map(|(index, asked)| desk.answer(asked, index))
            .collect();
        if self.asked.iter().all(|asked| asked.refusal.is_some()) {
            return Effect::Reply(outcomes);
        }
        self.conclude(outcomes, moment)
    }
}
