//! What a device has on disk: kept, loaded again, lost, copied.

use baton::effect::{Arrival, Call};
use serde_json::json;

use crate::check::Checked;
use crate::check::client::Told;
use crate::counters::Other;
use crate::later::Game;
use crate::page::{Made, Page};
use crate::world::{Event, Slip, World};

impl<R: Game> World<R> {
    /// An action is on disk from now on.
    pub(in crate::world) fn keep_action(&mut self, index: usize, made: Made) {
        let Made { seq, version, body } = made;
        let page = &mut self.clients[index];
        page.saved = page.replica.save();
        let owner = page.owner();
        page.own
            .insert((owner.clone(), seq), (version, body.clone()));
        let room = page.room;
        self.accounts[room]
            .ledger
            .keep(&owner, seq, (version, body));
    }

    /// The page is loaded again: only what is on disk is left.
    pub(in crate::world) fn reload(&mut self, index: usize) -> Checked {
        let base_ms = self.new_base();
        let warm = self.random.chance(1, 2);
        self.counters.saw_other(Other::Reload);
        let page = &mut self.clients[index];
        page.life += 1;
        page.flying = None;
        if page.orders.forget() {
            self.counters.orders.unknown += 1;
        }
        page.base_ms = base_ms;
        // Never an older one than was there: it would not know what its device did.
        let edition = page.replica.edition().max(self.pages);
        page.replica =
            Page::resume(edition, &page.user, &page.saved).expect("what was saved is whole");
        // The new session is kept before it is used.
        page.saved = page.replica.save();
        if warm && let Some(room) = &page.saved_room {
            page.replica.warm_up(room, page.base_ms + self.now_ms);
        }
        page.told.head = page.replica.head();
        self.note(
            &format!("client {index}"),
            "reload",
            (index as u64, 0),
            || json!({}),
        );
        // What the kept room says is of its own history, whatever the store has lost since.
        self.hear(index, "the kept room")
    }

    /// The page is closed on purpose: it says so, listens no more, and is opened again some time later.
    pub(in crate::world) fn leave(&mut self, index: usize) {
        self.counters.saw_other(Other::Leave);
        let host = self.route(index);
        let page = &mut self.clients[index];
        let local_ms = page.local_ms(self.now_ms);
        let body = page.replica.leave(local_ms);
        page.saved = page.replica.save();
        page.life += 1;
        page.flying = None;
        let (life, room) = (page.life, page.room);
        let arrival = Arrival {
            who: Some(page.identity()),
            call: Call::Play(body.clone().into()),
        };
        let slip = Slip::of(self.asked_of(index, &body));
        self.set_out(host, room, &slip, &arrival);
        let away_ms = self.between(10, 60_000);
        self.go_offline(index, away_ms);
        self.clients[index].act_at_ms = self.now_ms + away_ms;
        self.after(
            away_ms,
            Event::Reload {
                client: index,
                life,
            },
        );
        self.note(
            &format!("client {index}"),
            "leave",
            (index as u64, 0),
            || json!({ "opens after": away_ms }),
        );
    }

    /// The device's storage is gone: it is a new device.
    pub(in crate::world) fn lose_storage(&mut self, index: usize) -> Checked {
        self.counters.saw(39);
        let id = self.new_device();
        let page = &mut self.clients[index];
        let owner = page.owner();
        page.saved = Page::<R>::new(page.replica.edition(), &page.user, id).save();
        page.saved_room = None;
        let room = page.room;
        self.accounts[room].ledger.give_up(&owner);
        self.reload(index)
    }

    /// A device's storage is copied to another of the room, which becomes the same device.
    pub(in crate::world) fn clone_storage(&mut self, from: usize, to: usize) -> Checked {
        if from == to || self.clients[from].room != self.clients[to].room {
            return Ok(());
        }
        self.counters.saw(39);
        let source = &self.clients[from];
        let (user, saved, own) = (
            source.user.clone(),
            source.saved.clone(),
            source.own.clone(),
        );
        let (room, owner) = (source.room, source.owner());
        // Its pages go with it.
        let edition = source.replica.edition();
        let page = &mut self.clients[to];
        let lost = page.owner();
        if page.replica.edition() < edition {
            page.replica = Page::new(edition, &user, owner.1);
        }
        page.user = user;
        page.saved = saved;
        page.own = own;
        page.told = Told::default();
        page.saved_room = None;
        let ledger = &mut self.accounts[room].ledger;
        ledger.give_up(&lost);
        ledger.double(&owner);
        self.reload(to)
    }
}
