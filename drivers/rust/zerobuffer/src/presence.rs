//! Signs of life (`docs/stream.md`): each side holds a lock on one byte of the segment file, far behind its end. The
//! kernel drops it with the process, in whatever pid namespace.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::ErrorKind;
use crate::fork::Kept;
use crate::names::Names;
use crate::peer::{Life, Peer};
use crate::ring::{load, Ring};
use crate::sys;

/// Whose lock, as the place of its byte.
#[derive(Clone, Copy)]
#[repr(i64)]
pub(crate) enum Side {
    Reader = 1 << 40,
    Writer = 1 << 41,
    /// Held while a process removes what a dead reader left. It is no sign of life.
    Remover = 1 << 42,
}

pub(crate) fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// The segment file, opened for locks and not to be mapped: a mapping keeps its open file, so a child of `fork` would
/// keep the locks.
pub(crate) struct Presence(pub Kept);

impl Presence {
    pub fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<Self> {
        Kept::open(|| open(path, options)).map(Self)
    }

    fn lock(&self, command: libc::c_int, kind: libc::c_int, side: Side) -> io::Result<libc::c_int> {
        sys::lock_byte(&self.0, command, kind, side as i64)
    }

    /// Takes the lock of a side; `false` if somebody else has it.
    pub fn enter(&self, side: Side) -> bool {
        self.lock(libc::F_OFD_SETLK, libc::F_WRLCK, side).is_ok()
    }

    pub fn leave(&self, side: Side) {
        let _ = self.lock(libc::F_OFD_SETLK, libc::F_UNLCK, side);
    }

    /// Whether somebody else has the lock of a side.
    pub fn is_held(&self, side: Side) -> bool {
        self.lock(libc::F_OFD_GETLK, libc::F_WRLCK, side).is_ok_and(|kind| kind != libc::F_UNLCK)
    }

    /// Whether the writer of this number lives. If the lock is free, a writer of ours is dead; one of another
    /// implementation may live.
    pub fn writer_lives(&self, ours: bool, peer: &mut Peer, pid: u64) -> bool {
        self.is_held(Side::Writer) || !ours && peer.look(pid) == Life::Alive
    }

    pub fn check_reader(&self, ring: &Ring, peer: &mut Peer, names: &Names) -> Result<(), ErrorKind> {
        let pid = load(&ring.block().reader_pid);
        // A segment that has lost its name has lost its lock file, too: a file of that name is another reader's.
        let named = || self.0.metadata().is_ok_and(|facts| facts.nlink() > 0);
        let mut foreigner_lives = || match peer.look(pid) {
            Life::Alive => named(),
            Life::Unknown => named() && is_lock_file_held(names),
            Life::Dead => false,
        };
        if pid != 0 && (self.is_held(Side::Reader) || !ring.reader_is_ours() && foreigner_lives()) {
            return Ok(());
        }
        // Loaded again: a reader that closes gives up the lock afterwards.
        let reason = if load(&ring.block().reader_pid) == 0 { "closed" } else { "died" };
        Err(ErrorKind::ReaderDead { reason, pid })
    }
}

fn is_lock_file_held(names: &Names) -> bool {
    let file = Kept::open(|| open(&names.lock_path(), &mut File::options()));
    file.is_ok_and(|file| sys::try_lock(&file).is_ok_and(|free| !free))
}
