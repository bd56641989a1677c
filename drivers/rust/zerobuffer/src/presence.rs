//! Signs of life (`docs/stream.md`): each side holds a lock on one byte of the segment file, far behind its end. The
//! kernel drops it with the process, in whatever pid namespace.

use std::os::unix::fs::MetadataExt;

use crate::error::ErrorKind;
use crate::fork::Kept;
use crate::names::Names;
use crate::ownership::is_locked;
use crate::peer::{Life, Peer};
use crate::ring::{load, Ring};
use crate::sys;

/// Whose lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
    /// Who removes what a dead reader left. It is no sign of life.
    Remover,
}

impl Side {
    fn place(self) -> i64 {
        match self {
            Self::Reader => 1 << 40,
            Self::Writer => 1 << 41,
            Self::Remover => 1 << 42,
        }
    }
}

/// The segment file, opened for locks.
pub(crate) struct Presence(pub Kept);

impl Presence {
    /// Takes the lock of a side; `false` if somebody else has it.
    pub fn enter(&self, side: Side) -> bool {
        sys::lock_byte(&self.0, side.place()).is_ok()
    }

    pub fn leave(&self, side: Side) {
        let _ = sys::unlock_byte(&self.0, side.place());
    }

    /// Whether somebody else has the lock of a side.
    pub fn is_held(&self, side: Side) -> bool {
        sys::is_byte_locked(&self.0, side.place())
    }

    /// Whether the writer of this number lives. A lock that is free says of one of ours that it is dead, and nothing of
    /// another implementation's.
    pub fn writer_lives(&self, ours: bool, peer: &mut Peer, pid: u64) -> bool {
        self.is_held(Side::Writer) || !ours && peer.look(pid) == Life::Alive
    }

    /// Fails if the reader is gone.
    pub fn check_reader(&self, ring: &Ring, peer: &mut Peer, names: &Names) -> Result<(), ErrorKind> {
        let pid = load(&ring.block().reader_pid);
        // Without its name, the lock file of that name is not of this segment's reader.
        let named = || self.0.metadata().is_ok_and(|facts| facts.nlink() > 0);
        let mut foreigner_lives = || match peer.look(pid) {
            Life::Alive => named(),
            Life::Unknown => named() && is_locked(names),
            Life::Dead => false,
        };
        if pid != 0 && (self.is_held(Side::Reader) || !ring.reader_is_ours() && foreigner_lives()) {
            return Ok(());
        }
        // Loaded again: who closes gives up the lock afterwards.
        let reason = if load(&ring.block().reader_pid) == 0 { "closed" } else { "died" };
        Err(ErrorKind::ReaderDead { reason, pid })
    }
}
