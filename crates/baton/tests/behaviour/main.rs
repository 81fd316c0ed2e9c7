//! What the library does, seen from outside: several handlers in one process over the memory
//! store, interleaved at every effect. `tests/REQUIREMENTS.md` lists which test shows which row.

mod cautious;
mod delivery;
mod delivery_faults;
mod deltas;
mod doubts;
mod due;
mod faults;
mod frames;
mod hostile;
mod inbox;
mod leading;
mod line;
mod losses;
mod machine;
mod marks;
mod memory;
mod operator;
mod orders;
mod orders_refused;
mod pace;
mod personal;
mod presence;
mod queue;
mod races;
mod reads;
mod rebase;
mod replica;
mod sends;
mod served;
mod slots;
mod spectators;
mod support;
mod switch;
mod time;
mod tries;
