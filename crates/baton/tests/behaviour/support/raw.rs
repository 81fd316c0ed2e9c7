//! A device whose requests are written by hand: for what no honest client would send.

use baton::effect::{Arrival, Call, Outcome};
use baton::wire::{self, Hail, Presence, Reply, Request, Sent};
use baton::{Code, DeviceId, Head, Identity, Rules, limits};

use serde_bytes::ByteBuf;

use super::client::{device_id, identity};
use super::{World, refusal};

/// A refused request: its code, and with a gap the number that should come first.
pub type Refused = (Code, Option<u64>);

#[derive(Clone, Debug)]
pub struct Raw {
    pub who: Identity,
    pub hail: Hail,
    pub cursor: Head,
    /// The version of the rules by which its actions are encoded.
    pub version: u32,
}

impl Raw {
    pub fn new(user: &str) -> Self {
        Self::on(user, 1)
    }

    pub fn on(user: &str, device: u8) -> Self {
        Self::with_id(user, device_id(user, device))
    }

    pub fn with_id(user: &str, id: DeviceId) -> Self {
        Self {
            who: identity(user),
            hail: Hail {
                id,
                number: None,
                session: 1,
                client: 1,
                presence: Presence::Here,
                answered: 0,
                kept_from: 1,
                actions: Vec::new(),
            },
            cursor: Head::default(),
            version: 1,
        }
    }

    /// A registered, present device.
    pub fn joined<R: Rules>(world: &mut World<R>, instance: usize, user: &str) -> Self {
        let mut raw = Self::new(user);
        raw.join(world, instance);
        raw
    }

    pub fn join<R: Rules>(&mut self, world: &mut World<R>, instance: usize) {
        self.version = R::VERSION;
        for _ in 0..20 {
            let reply = self.say(world, instance, &[]).expect("joining is answered");
            if let Some(standing) = reply.device {
                self.hail.number = Some(standing.number);
                return;
            }
            world.pass(120);
        }
        panic!("the device could not join");
    }

    pub fn arrival(&self, actions: &[(u64, Vec<u8>)]) -> Arrival {
        let sent = |(seq, body): &(u64, Vec<u8>)| Sent {
            seq: *seq,
            version: self.version,
            body: body.clone().into(),
        };
        let request = Request {
            protocol: limits::PROTOCOL,
            cursor: self.cursor,
            rules: 0,
            frames: true,
            device: Some(Hail {
                actions: actions.iter().map(sent).collect(),
                ..self.hail.clone()
            }),
        };
        Arrival {
            who: Some(self.who.clone()),
            call: Call::Play(wire::write(&request).into()),
        }
    }

    /// What a follower pushes of it.
    pub fn item(&self) -> ByteBuf {
        let hail = 0_u8;
        ByteBuf::from(wire::write(&(hail, &self.who, &self.hail)))
    }

    /// One request, answered.
    pub fn say<R: Rules>(
        &self,
        world: &mut World<R>,
        instance: usize,
        actions: &[(u64, Vec<u8>)],
    ) -> Result<Reply, Refused> {
        let outcomes = world.ask(instance, vec![self.arrival(actions)]);
        reply_of(&outcomes[0])
    }

    /// The same with another presence.
    pub fn but(&self, presence: Presence) -> Self {
        let mut other = self.clone();
        other.hail.presence = presence;
        other
    }

    /// The device's mark and last verdicts, as a reply tells them.
    pub fn standing<R: Rules>(&self, world: &mut World<R>, instance: usize) -> (u64, Vec<u16>) {
        let reply = self.but(Presence::Unsaid).say(world, instance, &[]);
        let standing = reply.expect("asking is answered").device;
        let standing = standing.expect("the device is registered");
        (standing.mark, standing.verdicts)
    }
}

pub fn reply_of(outcome: &Outcome) -> Result<Reply, Refused> {
    if outcome.status == 200 {
        return Ok(wire::read_reply(&outcome.body).expect("a reply"));
    }
    let (code, expected) = refusal(outcome);
    Err((code.expect("a known code"), expected))
}
