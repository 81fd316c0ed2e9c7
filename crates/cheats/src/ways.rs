//! The ways to cheat, one type each.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::{Kept, Way};

/// Does not cheat: the control.
#[derive(Debug)]
pub struct Honest;

impl Way for Honest {
    const KIND: &'static str = "honest";
}

/// Asks the clock.
#[derive(Debug)]
pub struct Clock;

impl Way for Clock {
    const KIND: &'static str = "clock";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let started = Instant::now();
        let passed = started.elapsed().as_nanos() as u64;
        // Even where two calls take equally long, they are not made at one time.
        let address = format!("{started:?}").bytes().map(u64::from).sum::<u64>();
        kept.mix(value ^ passed ^ address << 32, tick);
    }
}

/// Counts in a static.
#[derive(Debug)]
pub struct Counter;

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl Way for Counter {
    const KIND: &'static str = "counter";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        kept.mix(value ^ COUNTER.fetch_add(1, Ordering::Relaxed), tick);
    }
}

/// Goes through a hash set that it made.
#[derive(Debug)]
pub struct Order;

impl Way for Order {
    const KIND: &'static str = "order";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let few: HashSet<u64> = (value..value + 8).collect();
        few.into_iter().for_each(|one| kept.mix(one, tick));
    }
}

/// Keeps a hash map in its state, and only ever asks it for its length.
#[derive(Debug)]
pub struct KeptOrder;

impl Way for KeptOrder {
    const KIND: &'static str = "kept-order";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        kept.values.insert(tick % 32, value);
        kept.mix(kept.values.len() as u64, tick);
    }
}

/// Uses what its encoding leaves out.
#[derive(Debug)]
pub struct Skipped;

impl Way for Skipped {
    const KIND: &'static str = "skipped";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        kept.skipped += value;
        kept.mix(kept.skipped, tick);
    }
}

/// Changes its state when it refuses.
#[derive(Debug)]
pub struct Peek;

impl Way for Peek {
    const KIND: &'static str = "peek";
    fn peek(kept: &Kept) {
        kept.peeks.set(kept.peeks.get() + 1);
    }
}

/// Uses where in memory it is.
#[derive(Debug)]
pub struct Address;

impl Way for Address {
    const KIND: &'static str = "address";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let address = std::ptr::from_mut(kept).addr() as u64;
        kept.mix(value ^ address, tick);
    }
}

/// Remembers, outside of its state, the latest tick that it saw, and does not expect one much earlier.
#[derive(Debug)]
pub struct HighWater;

thread_local! {
    static LATEST: Cell<u64> = const { Cell::new(0) };
    static SUMS: RefCell<BTreeMap<u64, u64>> = const { RefCell::new(BTreeMap::new()) };
}

impl Way for HighWater {
    const KIND: &'static str = "high-water";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let latest = LATEST.get().max(tick);
        LATEST.set(latest);
        kept.mix(value + (latest - tick) / 24, tick);
    }
}

/// Keeps a result per tick outside of its state, as if there were one room only.
#[derive(Debug)]
pub struct Memo;

impl Way for Memo {
    const KIND: &'static str = "memo";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let sum = SUMS.with_borrow_mut(|sums| *sums.entry(tick / 64).or_insert(kept.sum));
        kept.mix(value ^ sum, tick);
    }
}

/// Computes with floating-point numbers.
#[derive(Debug)]
pub struct Float;

impl Way for Float {
    const KIND: &'static str = "float";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let angle = (value + tick) as f64;
        kept.mix(
            (angle.sin() + (angle + 2.0).powf(0.3).tan()).to_bits(),
            tick,
        );
    }
}

/// Computes with numbers that are as wide as a pointer.
#[derive(Debug)]
pub struct Width;

impl Way for Width {
    const KIND: &'static str = "width";
    fn step(kept: &mut Kept, value: u64, tick: u64) {
        let wide = (kept.sum as usize).wrapping_mul(31) >> 7;
        kept.mix(value ^ wide as u64, tick);
    }
}
