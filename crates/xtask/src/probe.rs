//! Proves purity on the artefact: a package built for wasm32 may import nothing, and must export what it says.
//!
//! The package lists its exports in its manifest: `[package.metadata.probe] exports = ["…"]`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasmparser::{Parser, Payload};

use crate::project;
use crate::tally::Tally;
use crate::wasm::{self, Profile};

/// What a wasm asks for and offers.
pub(crate) struct Surface {
    /// `module.name` of each import.
    pub(crate) imports: Vec<String>,
    /// The name of each export.
    pub(crate) exports: Vec<String>,
}

/// Reads the imports and exports of a wasm file.
pub(crate) fn surface(bytes: &[u8]) -> Result<Surface> {
    let mut surface = Surface {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    surface
                        .imports
                        .push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    surface.exports.push(export?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

/// Builds the package and checks its surface: one check for the imports, one for each export it must have.
pub(crate) fn run(package: &str) -> Result<Tally> {
    let wanted = wanted_exports(package)?;
    wasm::add_target()?;
    let file = wasm::compile(package, None, Profile::Release)?;
    let found = surface(&std::fs::read(&file)?)?;
    Ok(judge(&found, &wanted, &file))
}

fn judge(found: &Surface, wanted: &[String], file: &Path) -> Tally {
    println!(
        "{}: {} imports, {} exports",
        file.display(),
        found.imports.len(),
        found.exports.len()
    );
    for import in &found.imports {
        eprintln!("imports {import}: the pure crates may import nothing");
    }
    let mut tally = Tally::check(found.imports.is_empty());
    for name in wanted {
        let there = found.exports.contains(name);
        println!("{} {name}", if there { "exports" } else { "LACKS  " });
        tally = tally.plus(Tally::check(there));
    }
    tally
}

fn wanted_exports(package: &str) -> Result<Vec<String>> {
    let packages = project::metadata()?["packages"]
        .as_array()
        .context("metadata lists packages")?;
    let package_data = packages
        .iter()
        .find(|candidate| candidate["name"] == package);
    let package_data =
        package_data.with_context(|| format!("the workspace has no package {package}"))?;
    let exports = package_data["metadata"]["probe"]["exports"].as_array();
    let exports =
        exports.with_context(|| format!("{package} lists no [package.metadata.probe] exports"))?;
    ensure!(!exports.is_empty(), "{package} lists no export to look for");
    Ok(exports
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(module (import "env" "now" (func)) (func) (export "handle" (func 1)))`
    const IMPURE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x0b\x01\x03env\x03now\0\0\x03\x02\x01\0\x07\x0a\x01\x06handle\0\x01\x0a\x04\x01\x02\0\x0b";

    #[test]
    fn an_import_and_a_missing_export_are_failures() {
        let found = surface(IMPURE).expect("the bytes are a module");
        assert_eq!(found.imports, ["env.now"]);
        assert_eq!(found.exports, ["handle"]);
        let wanted = ["handle".to_owned(), "replay".to_owned()];
        assert_eq!(
            judge(&found, &wanted, Path::new("probe.wasm")),
            Tally {
                passed: 1,
                failed: 2,
                named: Vec::new(),
            }
        );
    }
}
