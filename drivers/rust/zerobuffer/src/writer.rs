//! The writing side of a buffer: connects to what a reader created.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::connect::connect;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::layout::FRAME_HEADER_SIZE;
use crate::memory::Window;
use crate::names::Names;
use crate::peer::Peer;
use crate::plan::{always_fits, plan, Plan};
use crate::points::{pass, Point};
use crate::presence::{Presence, Side};
use crate::ring::{load, Ring};
use crate::sys::Semaphore;

/// Tokens of "space" pile up while the writer never blocks: they are drained every so many frames.
const DRAIN_INTERVAL: u64 = 64;
const DRAIN_MOST: u32 = 1 << 16;
const SPINS: u32 = 400;
/// How long a reader that lived is taken to live without looking again.
const FRESH: Duration = Duration::from_micros(200);

/// How a writer connects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// How long to wait for a buffer that does not exist yet.
    pub timeout: Duration,
    /// Connect also to a buffer of another user, who gets what is written.
    pub any_owner: bool,
}

/// Connects to a buffer and writes frames into it. A buffer has one writer.
pub struct Writer {
    core: Arc<Core>,
}

/// What slots share with their writer, and keep alive.
pub(crate) struct Core {
    pub names: Names,
    pub ring: Ring,
    pub data: Semaphore,
    pub space: Semaphore,
    pub presence: Presence,
    pub closed: AtomicBool,
    pub progress: Mutex<Progress>,
}

pub(crate) struct Progress {
    /// Number of the next frame.
    pub sequence: u64,
    pub account: Account,
    pub reader: Peer,
    /// When the reader was last seen to live.
    pub reader_seen: Option<Instant>,
}

impl Writer {
    /// Connects; waits for at most `timeout` for a buffer that does not exist yet. A buffer that another user but
    /// root made is refused.
    pub fn connect(name: &str, timeout: Duration) -> Result<Self, Error> {
        Self::connect_with(name, ConnectOptions { timeout, any_owner: false })
    }

    /// Connects as the options say.
    pub fn connect_with(name: &str, options: ConnectOptions) -> Result<Self, Error> {
        Ok(Self { core: Arc::new(connect(&Names::of(name)?, options.timeout, options.any_owner)?) })
    }

    /// Name of the buffer.
    pub fn name(&self) -> &str {
        &self.core.names.buffer
    }

    /// Number that the next frame will carry.
    pub fn next_sequence(&self) -> u64 {
        self.core.progress.lock().unwrap_or_else(PoisonError::into_inner).sequence
    }

    /// Copies one frame into the ring, waiting for space if need be.
    pub fn write(&self, data: &[u8], timeout: Duration) -> Result<u64, Error> {
        let write = || {
            let mut progress = self.core.progress()?;
            let (plan, mut window) = self.core.reserve(&mut progress, data.len() as u64, timeout)?;
            window[FRAME_HEADER_SIZE as usize..].copy_from_slice(data);
            pass(Point::WriterData);
            self.core.publish(&mut progress, &plan, window)
        };
        write().map_err(|kind| self.core.error(kind))
    }

    /// Lends a place in the ring for one frame of `size` bytes.
    pub fn acquire(&self, size: u64, timeout: Duration) -> Result<Slot, Error> {
        let acquire = || {
            let mut progress = self.core.progress()?;
            let (plan, window) = self.core.reserve(&mut progress, size, timeout)?;
            Ok(Slot { core: Arc::clone(&self.core), plan, window, sequence: progress.sequence })
        };
        acquire().map_err(|kind| self.core.error(kind))
    }

    /// Writes the metadata: once, before or after frames.
    pub fn set_metadata(&self, content: &[u8]) -> Result<(), Error> {
        let set = || {
            let mut progress = self.core.progress()?;
            self.core.check_reader(&mut progress)?;
            self.core.ring.write_metadata(content)
        };
        set().map_err(|kind| self.core.error(kind))
    }

    /// Fails if the reader is gone.
    pub fn check_reader(&self) -> Result<(), Error> {
        let check = || self.core.check_reader(&mut *self.core.progress()?);
        check().map_err(|kind| self.core.error(kind))
    }

    /// The process that reads, as the buffer names it.
    pub(crate) fn reader_pid(&self) -> u64 {
        load(&self.core.ring.block().reader_pid)
    }

    pub(crate) fn reader_is_ours(&self) -> bool {
        self.core.ring.reader_is_ours()
    }

    /// The size of a frame that can be written at any position.
    pub(crate) fn always_fits(&self) -> u64 {
        always_fits(self.core.ring.payload_size())
    }

    /// Disconnects. The reader still gets every frame that was written, then learns of the end.
    pub fn close(&self) {
        if self.core.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // A blocked call sees the flag within a slice.
        let _progress = self.core.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is posted: the reader notices by itself.
        self.core.ring.leave(std::process::id().into());
        self.core.presence.leave(Side::Writer);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer").field("name", &self.core.names.buffer).finish_non_exhaustive()
    }
}

impl Core {
    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&self.names.buffer, kind)
    }

    fn usable(&self) -> Result<(), ErrorKind> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ErrorKind::Closed { what: "writer" });
        }
        Ok(())
    }

    fn progress(&self) -> Result<MutexGuard<'_, Progress>, ErrorKind> {
        self.usable()?;
        match self.progress.try_lock() {
            Ok(progress) => Ok(progress),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(ErrorKind::Busy { reason: "another thread is writing" }),
        }
    }

    fn check_reader(&self, progress: &mut Progress) -> Result<(), ErrorKind> {
        let fresh = progress.reader_seen.is_some_and(|moment| moment.elapsed() < FRESH);
        if !fresh || load(&self.ring.block().reader_pid) == 0 {
            self.presence.check_reader(&self.ring, &mut progress.reader, &self.names)?;
            progress.reader_seen = Some(Instant::now());
        }
        Ok(())
    }

    /// Plans a frame, waits until there is space for it, and lends its place.
    fn reserve(
        &self,
        progress: &mut Progress,
        size: u64,
        timeout: Duration,
    ) -> Result<(Plan, Window), ErrorKind> {
        self.check_reader(progress)?;
        if progress.sequence % DRAIN_INTERVAL == 0 {
            self.drain();
        }
        let deadline = Deadline::after(timeout);
        let mut spins = if timeout.is_zero() { 0 } else { SPINS };
        loop {
            let (write_pos, free) = progress.account.state(&self.ring)?;
            let plan = plan(self.ring.payload_size(), write_pos, size)?;
            if plan.need() <= free {
                let lent = ErrorKind::Busy { reason: "an acquired frame is neither committed nor abandoned" };
                let window = self.ring.lend(&plan).ok_or(lent)?;
                pass(Point::WriterPlanned);
                return Ok((plan, window));
            }
            if spins > 0 {
                spins -= 1;
                std::hint::spin_loop();
                continue;
            }
            self.usable()?;
            self.check_reader(progress)?;
            let Some(slice) = deadline.next_slice() else {
                let (needed, seconds) = (plan.need(), deadline.seconds());
                return Err(ErrorKind::BufferFull { size, needed, free, seconds });
            };
            self.space
                .take_within(slice)
                .map_err(|error| ErrorKind::from_io(error, "wait for space", &self.names.buffer))?;
        }
    }

    fn publish(&self, progress: &mut Progress, plan: &Plan, window: Window) -> Result<u64, ErrorKind> {
        self.usable()?;
        let sequence = progress.sequence;
        progress.sequence += 1;
        self.ring.publish(plan, window, sequence, progress.account.take(plan.need()));
        self.data.post().map_err(|error| ErrorKind::from_io(error, "post a frame", &self.names.buffer))?;
        pass(Point::WriterPost);
        pass(Point::WriterDone);
        Ok(sequence)
    }

    fn drain(&self) {
        let _ = (0..DRAIN_MOST).all(|_| self.space.try_take());
    }
}

/// A place in the ring to write a frame into. Dropped without a commit, it is as if it had never been asked for.
pub struct Slot {
    core: Arc<Core>,
    plan: Plan,
    window: Window,
    sequence: u64,
}

impl Slot {
    /// Number that the frame will carry.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Makes the frame part of the ring.
    pub fn commit(self) -> Result<u64, Error> {
        let Self { core, plan, window, .. } = self;
        let commit = || core.publish(&mut *core.progress()?, &plan, window);
        commit().map_err(|kind| core.error(kind))
    }

    /// Gives the place up: another name for dropping it.
    pub fn abandon(self) {}
}

impl Deref for Slot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.window[FRAME_HEADER_SIZE as usize..]
    }
}

impl DerefMut for Slot {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.window[FRAME_HEADER_SIZE as usize..]
    }
}
