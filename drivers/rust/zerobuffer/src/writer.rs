//! The writing side of a buffer: connects to what a reader created.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::connect::{connect, Core, Progress};
use crate::deadline::Deadline;
use crate::error::{During, Error, ErrorKind};
use crate::layout::FRAME_HEADER_SIZE;
use crate::memory::Window;
use crate::names::Names;
use crate::plan::{plan, Plan};
use crate::points::{pass, Point};
use crate::presence::Side;
use crate::ring::{load, Ring};

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
    /// Connect also to a buffer of another user. That user gets what is written.
    pub any_owner: bool,
}

/// Connects to a buffer and writes frames into it. A buffer has one writer.
pub struct Writer {
    core: Arc<Core>,
}

impl Writer {
    /// Connects; waits for at most `timeout` for a buffer that does not exist yet. A buffer that another user but
    /// root made is refused.
    pub fn connect(name: &str, timeout: Duration) -> Result<Self, Error> {
        Self::connect_with(name, ConnectOptions { timeout, any_owner: false })
    }

    /// Connects as the options say.
    pub fn connect_with(name: &str, options: ConnectOptions) -> Result<Self, Error> {
        let connect = || connect(&Names::of(name)?, options.timeout, options.any_owner);
        Ok(Self { core: Arc::new(Error::naming(name, connect)?) })
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
        Error::naming(self.name(), || {
            let mut progress = self.core.progress()?;
            let (plan, mut window) = self.core.reserve(&mut progress, data.len() as u64, timeout)?;
            window[FRAME_HEADER_SIZE as usize..].copy_from_slice(data);
            pass(Point::WriterData);
            self.core.publish(&mut progress, &plan, window)
        })
    }

    /// Returns a place in the ring for one frame of `size` bytes.
    pub fn acquire(&self, size: u64, timeout: Duration) -> Result<Slot, Error> {
        Error::naming(self.name(), || {
            let mut progress = self.core.progress()?;
            let (plan, window) = self.core.reserve(&mut progress, size, timeout)?;
            Ok(Slot { core: Arc::clone(&self.core), plan, window, sequence: progress.sequence })
        })
    }

    /// Writes the metadata: once, before or after frames.
    pub fn set_metadata(&self, content: &[u8]) -> Result<(), Error> {
        Error::naming(self.name(), || {
            let mut progress = self.core.progress()?;
            self.core.check_reader(&mut progress)?;
            self.core.ring.write_metadata(content)
        })
    }

    /// Fails if the reader is gone.
    pub fn check_reader(&self) -> Result<(), Error> {
        Error::naming(self.name(), || self.core.check_reader(&mut *self.core.progress()?))
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.core.ring
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

    /// Plans a frame, waits until there is space for it, and returns its place.
    fn reserve(
        &self,
        progress: &mut Progress,
        size: u64,
        timeout: Duration,
    ) -> Result<(Plan, Window), ErrorKind> {
        self.check_reader(progress)?;
        if progress.sequence % DRAIN_INTERVAL == 0 {
            let _ = (0..DRAIN_MOST).all(|_| self.space.try_take());
        }
        let deadline = Deadline::after(timeout);
        let mut spins = if timeout.is_zero() { 0 } else { SPINS };
        loop {
            let (write_pos, free) = progress.account.state(&self.ring)?;
            let plan = plan(self.ring.payload_size(), write_pos, size)?;
            if plan.need() <= free {
                let window = self.ring.window(&plan)?;
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
                let (needed, seconds) = (plan.need(), timeout.as_secs_f64());
                return Err(ErrorKind::BufferFull { size, needed, free, seconds });
            };
            self.space.take_within(slice).during("wait for space", &self.names.buffer)?;
        }
    }

    fn publish(&self, progress: &mut Progress, plan: &Plan, window: Window) -> Result<u64, ErrorKind> {
        self.usable()?;
        let sequence = progress.sequence;
        progress.sequence += 1;
        self.ring.publish(plan, window, sequence, progress.account.take(plan.need()));
        self.data.post().during("post a frame", &self.names.buffer)?;
        pass(Point::WriterPost);
        pass(Point::WriterDone);
        Ok(sequence)
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
        Error::naming(&core.names.buffer, || core.publish(&mut *core.progress()?, &plan, window))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::BufferConfig;
    use crate::reader::Reader;
    use std::sync::mpsc;
    use std::thread;

    /// No point lies between the last look whether the writer is closed and the commit: a halt stops both threads.
    #[test]
    fn a_writer_that_is_closed_leaves_once_the_call_in_another_thread_is_over() {
        let name = format!("rust-close-amid-{}", std::process::id());
        let _reader = Reader::create(&name, BufferConfig::default()).expect("a buffer");
        let writer = Writer::connect(&name, Duration::ZERO).expect("a writer");
        let (sender, closed) = mpsc::channel();
        thread::scope(|scope| {
            let progress = writer.core.progress().expect("the turn of a thread that writes");
            scope.spawn(|| {
                writer.close();
                sender.send(()).expect("a test that waits");
            });
            assert!(
                closed.recv_timeout(Duration::from_millis(50)).is_err(),
                "it does not wait for the other thread"
            );
            assert_ne!(
                load(&writer.ring().block().writer_pid),
                0,
                "the next writer could come amid a commit"
            );
            drop(progress);
            closed.recv_timeout(Duration::from_secs(10)).expect("the end");
        });
        assert_eq!(load(&writer.ring().block().writer_pid), 0);
    }
}
