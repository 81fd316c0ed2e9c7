//! One effect on its way: calls out, answers in, until its result is known. The steps are written
//! one after another, as a future that never waits for anything but its own answers; it is woken
//! by nobody and runs on no executor.

use alloc::{boxed::Box, rc::Rc, vec::Vec};
use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use serde::{Deserialize, Serialize};

use super::call::{Answer, Call};
use super::{Cache, Slots};
use crate::effect::{Fed, Moment};

/// What the host does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Perform these calls, all at once if the store can, in any order; then
    /// [`Errand::resume`] with their answers, in the order of the calls.
    Perform(Vec<Call>),
    /// The effect's result.
    Done(Fed),
}

/// How an errand ends: the result, and what is worth remembering of the room.
pub(super) struct End {
    pub(super) fed: Fed,
    pub(super) cache: Cache,
}

/// One effect on its way. Dropping it is always allowed, at any step: then what it wrote is as
/// unknown as if its host had died.
pub struct Errand {
    room: alloc::string::String,
    future: Pin<Box<dyn Future<Output = End>>>,
    desk: Desk,
}

impl Errand {
    pub(super) fn new(room: &str, desk: Desk, future: impl Future<Output = End> + 'static) -> Self {
        Self {
            room: room.into(),
            future: Box::pin(future),
            desk,
        }
    }

    /// Feeds back the answers to the last calls, in their order. An answer that is missing counts as
    /// [`Answer::Failed`]. `slots` is the one that began it.
    pub fn resume(&mut self, slots: &mut Slots, answers: Vec<Answer>, moment: Moment) -> Step {
        self.desk.answer(answers, moment);
        self.step(slots)
    }

    pub(super) fn step(&mut self, slots: &mut Slots) -> Step {
        let mut context = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Pending => Step::Perform(self.desk.calls()),
            Poll::Ready(End { fed, cache }) => {
                slots.keep(&self.room, cache);
                // A finished future is never polled again.
                self.future = Box::pin(core::future::pending());
                Step::Done(fed)
            }
        }
    }
}

/// Where an errand leaves its calls and finds the answers.
#[derive(Clone)]
pub(super) struct Desk(Rc<RefCell<Papers>>);

struct Papers {
    calls: Vec<Call>,
    answers: Option<Vec<Answer>>,
    moment: Moment,
}

impl Desk {
    pub(super) fn new(moment: Moment) -> Self {
        Self(Rc::new(RefCell::new(Papers {
            calls: Vec::new(),
            answers: None,
            moment,
        })))
    }

    /// The time and the entropy of the last step.
    pub(super) fn moment(&self) -> Moment {
        self.0.borrow().moment
    }

    /// Has calls performed. As many answers as calls.
    pub(super) fn perform(&self, calls: Vec<Call>) -> impl Future<Output = Vec<Answer>> + use<> {
        let papers = Rc::clone(&self.0);
        let many = calls.len();
        papers.borrow_mut().calls = calls;
        poll_fn(move |_| {
            if many == 0 {
                return Poll::Ready(Vec::new());
            }
            match papers.borrow_mut().answers.take() {
                None => Poll::Pending,
                Some(mut answers) => {
                    answers.resize(many, Answer::Failed);
                    Poll::Ready(answers)
                }
            }
        })
    }

    fn answer(&self, answers: Vec<Answer>, moment: Moment) {
        let mut papers = self.0.borrow_mut();
        papers.answers = Some(answers);
        papers.moment = moment;
    }

    fn calls(&self) -> Vec<Call> {
        mem::take(&mut self.0.borrow_mut().calls)
    }
}
