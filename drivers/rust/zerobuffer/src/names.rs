//! Names of buffers, and of the four objects that belong to each.

use std::path::{Path, PathBuf};

use crate::error::ErrorKind;
use crate::layout::LONGEST_NAME;

const SHARED_MEMORY: &str = "/dev/shm";
const DEFAULT_LOCK_DIRECTORY: &str = "/tmp/zerobuffer";
const LOCK_DIRECTORY_VARIABLE: &str = "ZEROBUFFER_LOCK_DIR";

/// The places of one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub buffer: String,
}

impl Names {
    pub fn of(buffer: &str) -> Result<Self, ErrorKind> {
        match objection(buffer) {
            Some(reason) => Err(ErrorKind::InvalidName { reason }),
            None => Ok(Self { buffer: buffer.to_owned() }),
        }
    }

    pub fn segment(&self) -> PathBuf {
        Path::new(SHARED_MEMORY).join(&self.buffer)
    }

    pub fn data_semaphore(&self) -> String {
        format!("/sem-w-{}", self.buffer)
    }

    pub fn space_semaphore(&self) -> String {
        format!("/sem-r-{}", self.buffer)
    }

    /// The file behind a semaphore of this name.
    pub fn semaphore_file(semaphore: &str) -> PathBuf {
        Path::new(SHARED_MEMORY).join(format!("sem.{}", semaphore.trim_start_matches('/')))
    }

    pub fn lock_directory() -> PathBuf {
        match std::env::var_os(LOCK_DIRECTORY_VARIABLE) {
            Some(place) if !place.is_empty() => place.into(),
            _ => DEFAULT_LOCK_DIRECTORY.into(),
        }
    }

    pub fn lock_file(&self) -> String {
        format!("{}.lock", self.buffer)
    }

    pub fn lock_path(&self) -> PathBuf {
        Self::lock_directory().join(self.lock_file())
    }
}

fn objection(name: &str) -> Option<String> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.contains("..") || name == "." {
        return Some("it holds '..' or is '.'".into());
    }
    if let Some(letter) = name.chars().find(|&letter| !legal(letter)) {
        return Some(format!("it holds {letter:?}"));
    }
    if name.starts_with("sem.") {
        return Some("it begins with 'sem.', as the files of semaphores do".into());
    }
    (name.len() > LONGEST_NAME).then(|| format!("it has {} bytes", name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_carry_all_objects_are_legal() {
        for name in ["a", "UPPER", "0", "dash-dash", "under_score", "dot.dot", &"n".repeat(LONGEST_NAME)] {
            assert!(Names::of(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        let long = "n".repeat(LONGEST_NAME + 1);
        let strange = ["a/b", "a b", "a\u{7}b", "na\u{ef}ve", "a\0b"];
        for name in ["", "..", ".", "a..b", "sem.", "sem.sem-w-a", &long].into_iter().chain(strange) {
            assert!(matches!(Names::of(name), Err(ErrorKind::InvalidName { .. })), "{name:?}");
        }
    }
}
