//! What a wasm of an author's rules exports so that it can be compared with the native build: a macro, no decisions.

/// Exports rules from a wasm, to be asked what a script comes to: `reserve(length)` makes room for a script and says
/// where, `record()` performs it and returns the length of the result, `place()` says where that lies (see
/// [`harness::record_of_kind`](crate::harness::record_of_kind)). It imports nothing.
///
/// A crate of type `cdylib` with this one line is what `baton_sim::determinism::Probe` builds and runs in Node:
///
/// ```
/// # mod game {
/// #     use baton::{By, Ctx, Player, Reject, Rules};
/// #     pub struct Rules1;
/// #     impl Rules for Rules1 {
/// #         type Config = ();
/// #         type State = u32;
/// #         type Action = u32;
/// #         const KIND: &'static str = "game";
/// #         const VERSION: u32 = 1;
/// #         fn setup(_: &mut Ctx<'_, Self>) -> u32 { 0 }
/// #         fn validate(_: &u32, _: By, _: &u32, _: &Ctx<'_, Self>) -> Result<(), Reject> { Ok(()) }
/// #         fn apply(sum: &mut u32, _: By, add: u32, _: &mut Ctx<'_, Self>) { *sum += add; }
/// #         fn view(sum: &u32, _: Option<Player>) -> serde_json::Value { (*sum).into() }
/// #     }
/// # }
/// baton::probe!(game::Rules1);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! probe {
    ($($rules:ty),+ $(,)?) => {
        ::std::thread_local! {
            static BATON_PROBE: ::core::cell::RefCell<::std::vec::Vec<u8>> = ::core::cell::RefCell::default();
        }

        /// Makes room for `length` bytes of input and says where.
        #[unsafe(no_mangle)]
        pub extern "C" fn reserve(length: usize) -> *mut u8 {
            BATON_PROBE.with_borrow_mut(|bytes| {
                *bytes = ::std::vec![0; length];
                bytes.as_mut_ptr()
            })
        }

        /// Performs the script in the input, and puts the result in its stead. The result's length.
        #[unsafe(no_mangle)]
        pub extern "C" fn record() -> usize {
            BATON_PROBE.with_borrow_mut(|bytes| {
                let script = ::std::string::String::from_utf8_lossy(bytes);
                let kinds: &[(&str, $crate::harness::Recorder)] =
                    &[$((<$rules as $crate::Rules>::KIND, $crate::harness::record::<$rules>)),+];
                *bytes = $crate::harness::record_of_kind(kinds, &script).into_bytes();
                bytes.len()
            })
        }

        /// Where the result is.
        #[unsafe(no_mangle)]
        pub extern "C" fn place() -> *const u8 {
            BATON_PROBE.with_borrow(|bytes| bytes.as_ptr())
        }
    };
}
