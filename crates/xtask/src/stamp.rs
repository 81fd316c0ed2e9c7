//! Skips a step whose inputs are those of last time: the hash of the inputs is kept beside the outputs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project;

/// The hash of everything a step reads.
#[derive(Default)]
pub(crate) struct Inputs(blake3::Hasher);

impl Inputs {
    /// Adds the name and content of a file, or of every file below a directory. A missing one counts as such.
    pub(crate) fn path(mut self, path: &Path) -> Result<Self> {
        self.add(path)?;
        Ok(self)
    }

    /// Adds a word that changes the outcome: a version, an option.
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.field(word.as_bytes());
        self
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        self.field(path.to_string_lossy().as_bytes());
        if path.is_dir() {
            let mut inside: Vec<PathBuf> = std::fs::read_dir(path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<_>>()?;
            inside.sort();
            inside.iter().try_for_each(|path| self.add(path))
        } else {
            match std::fs::read(path) {
                Ok(content) => self.field(&content),
                Err(_) => self.field(b"missing"),
            }
            Ok(())
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

/// The mark that a step leaves when it has succeeded.
pub(crate) struct Stamp {
    file: PathBuf,
    hash: String,
}

impl Stamp {
    /// The stamp of the step `name` for these inputs.
    pub(crate) fn new(name: &str, inputs: &Inputs) -> Self {
        let file = project::dist().join(".stamps").join(name);
        Self {
            file,
            hash: inputs.0.finalize().to_hex().to_string(),
        }
    }

    /// Whether the step already ran for these inputs and its outputs are still there.
    pub(crate) fn holds(&self, outputs: &[PathBuf]) -> bool {
        outputs.iter().all(|output| output.exists())
            && std::fs::read_to_string(&self.file).is_ok_and(|hash| hash == self.hash)
    }

    /// The step succeeded.
    pub(crate) fn set(&self) -> Result<()> {
        std::fs::create_dir_all(self.file.parent().context("a stamp has a directory")?)?;
        Ok(std::fs::write(&self.file, &self.hash)?)
    }
}
