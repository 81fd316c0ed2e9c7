//! Rules of an account as other versions of them are, or might have been, and a second game of the same users: for tests
//! of what changes while it is live, natively and on real hosts. None of them ship; only the program `baton` knows some, since
//! it tells the story of a repair.
//!
//! | file | has |
//! |---|---|
//! | `later` | an account's second and third version |
//! | `doubled` | a first version that pays rewards twice, and the second, which mends it |
//! | `garden` | a game beside it that pays into the account, in two versions |
#![no_std]

extern crate alloc;

pub mod doubled;
pub mod garden;
pub mod later;
