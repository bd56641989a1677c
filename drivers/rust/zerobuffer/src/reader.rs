//! The reading side of a buffer: creates it, owns it, removes it.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::layout::BufferConfig;
use crate::leases::Leases;
use crate::memory::View;
use crate::names::Names;
use crate::ownership::{self, Owned};
use crate::peer::{Life, Peer};
use crate::points::{pass, Point};
use crate::presence::{Mark, Presence};
use crate::ring::{load, store, Found, Ring};
use crate::sys::Semaphore;
use crate::turn::Turn;

/// How often a wait tries for a token before it sleeps.
const SPINS: u32 = 200;

/// What is known of the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterState {
    /// None has come yet.
    Absent,
    /// One is connected.
    Alive,
    /// It has left by itself.
    Closed,
    /// Its process has ended without a word.
    Died,
}

/// Creates a buffer and reads the frames that one writer puts into it.
pub struct Reader {
    core: Arc<Core>,
    progress: Turn<Progress>,
    presence: Presence,
    owned: Mutex<Option<Owned>>,
    closed: AtomicBool,
}

/// What frames share with their reader, and keep alive.
struct Core {
    name: String,
    ring: Ring,
    data: Semaphore,
    space: Semaphore,
    leases: Mutex<Leases>,
}

/// Where the reader is in the stream of frames.
struct Progress {
    /// Taken from "data", and not yet turned into frames.
    tokens: u64,
    /// Number of the next frame.
    expected: u64,
    /// The connection whose frames these are; `None` once it is gone: then any other begins another stream.
    stream: Option<Connection>,
    /// How many streams have begun.
    streams: u64,
    /// Tokens that stood for no frame.
    surplus: u64,
    writer_seen: bool,
    writer: Peer,
    /// Whether what this writer may leave half-done has not been looked for yet.
    unsettled: bool,
}

/// A writer's process and its lock, see `presence`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Connection {
    pid: u64,
    mark: Option<Mark>,
}

impl Reader {
    /// Creates a buffer; what a dead reader left under the name is replaced.
    pub fn create(name: &str, config: BufferConfig) -> Result<Self, Error> {
        let created = ownership::create(&Names::of(name)?, &config)?;
        Ok(Self {
            core: Arc::new(Core {
                name: name.to_owned(),
                ring: created.ring,
                data: created.data,
                space: created.space,
                leases: Mutex::default(),
            }),
            progress: Turn::new(Progress {
                tokens: 0,
                expected: 1,
                stream: None,
                streams: 0,
                surplus: 0,
                writer_seen: false,
                writer: Peer::default(),
                unsettled: true,
            }),
            presence: created.presence,
            owned: Mutex::new(Some(created.owned)),
            closed: AtomicBool::new(false),
        })
    }

    /// Name of the buffer.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Waits for the next frame and lends it until it is dropped.
    ///
    /// Every frame that was committed is delivered before the end of its writer is reported.
    pub fn read(&self, timeout: Duration) -> Result<Frame, Error> {
        self.next(timeout).map_err(|kind| self.core.error(kind))
    }

    fn next(&self, timeout: Duration) -> Result<Frame, ErrorKind> {
        let deadline = Deadline::after(timeout);
        let late = || ErrorKind::Timeout { seconds: deadline.seconds() };
        let mut progress = self.progress.take(deadline, || self.usable())?.ok_or_else(late)?;
        let found = loop {
            self.wait(&mut progress, deadline)?;
            pass(Point::ReaderToken);
            if let Some(found) = self.find(&mut progress)? {
                break found;
            }
        };
        if found.sequence == 1 {
            self.begin_stream(&mut progress, &found);
        }
        // Only now is the token used up: after an error the next call meets the same one.
        progress.tokens -= 1;
        progress.expected = found.sequence.wrapping_add(1);
        let lease = self.core.lease(&found);
        let ring = &self.core.ring;
        let view = ring.view(&found);
        ring.advance(&found);
        Ok(Frame { core: Arc::clone(&self.core), view, sequence: found.sequence, lease })
    }

    /// The frame of the token in hand; `None` if that was surplus, and is gone.
    fn find(&self, progress: &mut Progress) -> Result<Option<Found>, ErrorKind> {
        let ring = &self.core.ring;
        let position = ring.read_pos()?;
        // Before the look: if it is not drained, what stands there is whole.
        let drained = ring.is_drained(position);
        let found = ring.look(position);
        let strange = !matches!(&found, Ok(found) if found.sequence == progress.expected);
        if drained && self.excuses(progress, strange) {
            progress.tokens -= 1;
            progress.surplus += 1;
            return Ok(None);
        }
        let found = found?;
        self.check_sequence(progress, &found)?;
        Ok(Some(found))
    }

    /// Whether a token may stand for no frame. A writer that takes over from a killed one posts what that one owed; if
    /// this reader stood still for long between a token and its frame, that is one too many. So each succession excuses
    /// one, that of a writer of whom nothing was read yet only where what stands there is `strange`: what is left of a
    /// frame that was read can look like the next of another stream, but not of its own.
    fn excuses(&self, progress: &Progress, strange: bool) -> bool {
        let (next, begun) = (progress.surplus + 1, progress.streams);
        next < begun || next == begun && strange && self.is_another_writer(progress)
    }

    pub(crate) fn usable(&self) -> Result<(), ErrorKind> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ErrorKind::Closed { what: "reader" });
        }
        Ok(())
    }

    /// Returns with a token in hand.
    fn wait(&self, progress: &mut Progress, deadline: Deadline) -> Result<(), ErrorKind> {
        if progress.tokens > 0 {
            return Ok(());
        }
        let data = &self.core.data;
        let spins = if deadline.seconds() == 0.0 { 1 } else { SPINS };
        let mut woken = (0..spins).any(|_| {
            std::hint::spin_loop();
            data.try_take()
        });
        while !woken {
            self.usable()?;
            let state = self.look_at_writer(progress);
            if matches!(state, WriterState::Closed | WriterState::Died) {
                // It may have posted between the last try and its end.
                if data.try_take() {
                    break;
                }
                if state == WriterState::Died {
                    self.settle(progress);
                }
                let reason = if state == WriterState::Died { "died" } else { "closed" };
                return Err(ErrorKind::WriterDead { reason, pid: progress.writer.pid() });
            }
            let Some(slice) = deadline.next_slice() else {
                return Err(ErrorKind::Timeout { seconds: deadline.seconds() });
            };
            woken = data
                .take_within(slice)
                .map_err(|error| ErrorKind::from_io(error, "wait for data", &self.core.name))?;
        }
        progress.tokens += 1;
        Ok(())
    }

    fn look_at_writer(&self, progress: &mut Progress) -> WriterState {
        let block = self.core.ring.block();
        let pid = load(&block.writer_pid);
        if pid == 0 {
            progress.stream = None;
            progress.writer_seen |=
                load(&block.payload_written_count) != 0 || load(&block.metadata_written_bytes) != 0;
            return if progress.writer_seen { WriterState::Closed } else { WriterState::Absent };
        }
        progress.writer_seen = true;
        progress.unsettled |= pid != progress.writer.pid();
        match progress.writer.look(pid) {
            Life::Alive => WriterState::Alive,
            // In another pid namespace it has no number here, but its lock is seen.
            Life::Unknown if self.presence.writer().is_some() => WriterState::Alive,
            Life::Dead | Life::Unknown => WriterState::Died,
        }
    }

    /// Takes back what a dead writer left half-done. Its claim is held meanwhile, so that no new writer starts from a
    /// position that is about to change.
    fn settle(&self, progress: &mut Progress) {
        if !std::mem::take(&mut progress.unsettled) {
            return;
        }
        let block = self.core.ring.block();
        let (dead, own) = (progress.writer.pid(), load(&block.reader_pid));
        if block.writer_pid.compare_exchange(dead, own, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        if self.core.data.value() == 0 {
            self.core.ring.roll_back(self.core.leases().held());
        }
        store(&block.writer_pid, dead);
    }

    fn connection(&self) -> Option<Connection> {
        let pid = load(&self.core.ring.block().writer_pid);
        (pid != 0).then(|| Connection { pid, mark: self.presence.writer() })
    }

    fn is_another_writer(&self, progress: &Progress) -> bool {
        progress.stream.is_none() || self.connection() != progress.stream
    }

    /// A sequence goes up by one, or restarts at 1 with another writer.
    fn check_sequence(&self, progress: &Progress, found: &Found) -> Result<(), ErrorKind> {
        let (expected, seen) = (progress.expected, found.sequence);
        if seen == expected || seen == 1 && self.is_another_writer(progress) {
            return Ok(());
        }
        Err(ErrorKind::Sequence { expected, seen })
    }

    /// The stream belongs to the writer that is connected now, unless it was written before that one came. A writer of
    /// another implementation does not say when it came: there, another beginning behind the frame tells.
    fn begin_stream(&self, progress: &mut Progress, found: &Found) {
        let ring = &self.core.ring;
        progress.writer_seen = true;
        progress.streams += 1;
        progress.stream = self.connection().filter(|connection| match connection.mark {
            Some(mark) => load(&ring.block().payload_read_count) >= mark.before,
            None => !ring.restarts_ahead(found.next_pos, progress.tokens - 1 + self.core.data.value()),
        });
    }

    /// The process whose frames are read, if it is still connected as it was when it began.
    pub(crate) fn present_writer(&self) -> Option<u64> {
        let progress = self.progress.take(Deadline::after(Duration::MAX), || self.usable()).ok().flatten()?;
        progress.stream.filter(|_| self.connection() == progress.stream).map(|connection| connection.pid)
    }

    /// What is known of the writer now.
    pub fn writer_state(&self) -> Result<WriterState, Error> {
        let look = || {
            let busy = ErrorKind::Busy { reason: "another thread is reading" };
            let taken = self.progress.take(Deadline::after(Duration::ZERO), || self.usable())?;
            Ok(self.look_at_writer(&mut *taken.ok_or(busy)?))
        };
        look().map_err(|kind| self.core.error(kind))
    }

    /// A copy of the metadata that the writer left.
    pub fn metadata(&self) -> Result<Vec<u8>, Error> {
        self.usable().and_then(|()| self.core.ring.metadata()).map_err(|kind| self.core.error(kind))
    }

    /// Ends reading: wakes a blocked writer and removes the buffer. Frames that are held can still be looked at.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // A blocked call sees the flag within a slice.
        let _progress = self.progress.take(Deadline::after(Duration::MAX), || Ok(()));
        let Some(owned) = self.owned.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        store(&self.core.ring.block().reader_pid, 0);
        let _ = self.core.space.post();
        drop(owned);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader").field("name", &self.core.name).finish_non_exhaustive()
    }
}

impl Core {
    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&self.name, kind)
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self, found: &Found) -> u64 {
        let mut leases = self.leases();
        if found.wrapped > 0 {
            leases.pass(found.wrapped);
            self.give_back(&mut leases);
            pass(Point::ReaderWrap);
        }
        leases.take(found.total())
    }

    fn give_back(&self, leases: &mut Leases) {
        let returned = leases.drain();
        if returned.bytes > 0 {
            self.ring.free(returned.bytes);
        }
        for _ in 0..returned.frames {
            // At its most the semaphore overflows: then the writer has tokens enough.
            let _ = self.space.post();
            pass(Point::ReaderSpace);
        }
    }
}

/// A frame in the ring, read-only. Its space returns to the writer when it is dropped.
pub struct Frame {
    core: Arc<Core>,
    view: View,
    sequence: u64,
    lease: u64,
}

impl Frame {
    /// Its number, from 1 for each connection of a writer.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Gives the space back: another name for dropping it.
    pub fn release(self) {}
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.view
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut leases = self.core.leases();
        leases.give_up(self.lease);
        self.core.give_back(&mut leases);
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Frame").field("sequence", &self.sequence).field("size", &self.len()).finish()
    }
}
