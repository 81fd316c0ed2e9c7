//! Recorded behaviour: the rules still do what `golden/v1.txt` says.
//!
//! A change of behaviour needs a new version and a new file. To write it:
//! `BATON_WRITE_GOLDEN=1 cargo test -p contagion --test golden`

use baton::Rules;
use baton::harness::record;
use contagion::Contagion;

#[test]
fn golden() {
    let recorded = record::<Contagion>(Contagion::GOLDEN).expect("every line can be performed");
    if cfg!(feature = "altered") {
        assert_ne!(recorded, Contagion::GOLDEN, "a changed rule must show");
        return;
    }
    if std::env::var_os("BATON_WRITE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/v1.txt");
        std::fs::write(path, recorded).expect("the source tree can be written");
        return;
    }
    for (now, then) in recorded.lines().zip(Contagion::GOLDEN.lines()) {
        assert_eq!(now, then, "what the rules do has changed");
    }
    assert_eq!(recorded, Contagion::GOLDEN);
}
