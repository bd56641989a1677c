//! The reading side of a buffer: creates it, owns it, removes it.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{During, Error, ErrorKind};
use crate::fair_lock::FairLock;
use crate::layout::BufferConfig;
use crate::leases::Leases;
use crate::memory::View;
use crate::names::Names;
use crate::ownership::{self, Owned};
use crate::peer::Peer;
use crate::points::{pass, Point};
use crate::presence::{Presence, Side};
use crate::ring::{load, store, Connection, Found, Ring};
use crate::sys::Semaphore;

/// How often a wait tries for a token before it sleeps.
const SPINS: u32 = 200;
/// How often a reader tries for the token of a frame that it saw before the token.
const PAUSES: u32 = 300;

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
    progress: FairLock<Progress>,
    presence: Arc<Presence>,
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
#[derive(Default)]
struct Progress {
    /// Bytes ever read, tails included. It begins at the size of the payload, as `committed` does.
    read: u64,
    /// Tokens of "data" taken, less frames read: 0 at rest, or less where a killed writer has not posted.
    balance: i64,
    /// Number of the next frame.
    expected: u64,
    /// The connection whose frames these are. `None` once it is gone: then any connection begins another stream.
    stream: Option<Connection>,
    /// The writer that was connected when that stream began, unless the stream is older. A guess for another
    /// implementation.
    author: Option<Connection>,
    /// The writer that was connected when there last was nothing to read.
    idle: Option<Connection>,
    /// The last writer that was seen.
    last: Option<Connection>,
    writer: Peer,
    /// The writer whose death is settled.
    settled: Option<Connection>,
}

impl Reader {
    /// Creates a buffer; what a dead reader left under the name is replaced.
    pub fn create(name: &str, config: BufferConfig) -> Result<Self, Error> {
        let created = Error::naming(name, || ownership::create(&Names::of(name)?, &config))?;
        let read = created.ring.payload_size();
        Ok(Self {
            progress: FairLock::new(Progress { read, expected: 1, ..Progress::default() }),
            core: Arc::new(Core {
                name: name.to_owned(),
                ring: created.ring,
                data: created.data,
                space: created.space,
                leases: Mutex::default(),
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

    /// Waits for the next frame, which is held until it is dropped.
    ///
    /// Every frame that was committed is delivered before the end of its writer is reported.
    pub fn read(&self, timeout: Duration) -> Result<Frame, Error> {
        Error::naming(self.name(), || self.next(timeout))
    }

    fn next(&self, timeout: Duration) -> Result<Frame, ErrorKind> {
        let deadline = Deadline::after(timeout);
        let mut progress = self.progress.lock(deadline, || self.usable())?;
        self.wait(&mut progress, deadline)?;
        pass(Point::ReaderToken);
        let ring = &self.core.ring;
        let looked = ring.look(progress.read % ring.payload_size());
        let found = match looked.and_then(|found| self.check_sequence(&progress, found)) {
            Ok(found) => found,
            Err(kind) => {
                // The next call meets the same frame.
                if progress.balance > 0 {
                    progress.balance -= 1;
                    let _ = self.core.data.post();
                }
                return Err(kind);
            }
        };
        if found.sequence == 1 {
            self.begin_stream(&mut progress);
        }
        progress.expected = found.sequence.wrapping_add(1);
        progress.read += found.passed();
        let lease = self.core.lease(&found);
        let view = ring.view(&found);
        ring.advance(&found);
        self.use_token(&mut progress);
        Ok(Frame { core: Arc::clone(&self.core), view, sequence: found.sequence, lease })
    }

    /// Uses up the token of a frame that was read. It waits a moment for a token that is about to be posted, so that
    /// the balance is 0 unless a writer died.
    fn use_token(&self, progress: &mut Progress) {
        let before = progress.balance.min(0);
        progress.balance -= 1;
        for _ in 0..PAUSES {
            self.take_tokens(progress, 0);
            if progress.balance >= before {
                return;
            }
            std::hint::spin_loop();
        }
    }

    pub(crate) fn usable(&self) -> Result<(), ErrorKind> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ErrorKind::Closed { what: "reader" });
        }
        Ok(())
    }

    /// Takes tokens until the balance is `enough`; says whether it is.
    fn take_tokens(&self, progress: &mut Progress, enough: i64) -> bool {
        while progress.balance < enough && self.core.data.try_take() {
            progress.balance += 1;
        }
        progress.balance >= enough
    }

    /// For a frame of ours a token is only a hint to look; for one of another implementation it is the truth.
    fn has_frame(&self, progress: &mut Progress) -> bool {
        self.take_tokens(progress, 1) || self.core.ring.is_committed_behind(progress.read)
    }

    /// Returns when there is a frame.
    fn wait(&self, progress: &mut Progress, deadline: Deadline) -> Result<(), ErrorKind> {
        let spins = if deadline.timeout.is_zero() { 1 } else { SPINS };
        let token = (0..spins).any(|_| {
            std::hint::spin_loop();
            self.take_tokens(progress, 1)
        });
        if token {
            return Ok(());
        }
        loop {
            self.usable()?;
            let connected = self.core.ring.connection();
            let state = self.look_at_writer(progress);
            // After both: a writer may commit between the last try and its end.
            if self.has_frame(progress) || state == WriterState::Died && self.settle(progress) {
                return Ok(());
            }
            progress.idle = connected;
            if state != WriterState::Alive {
                // A writer that is gone posts nothing any more.
                progress.balance = 0;
                progress.stream = None;
            }
            if matches!(state, WriterState::Closed | WriterState::Died) {
                let reason = if state == WriterState::Died { "died" } else { "closed" };
                return Err(ErrorKind::WriterDead { reason, pid: progress.last.map_or(0, |last| last.pid) });
            }
            let slice = deadline.next_slice().ok_or_else(|| deadline.passed())?;
            if self.core.data.take_within(slice).during("wait for data", &self.core.name)? {
                progress.balance += 1;
            }
        }
    }

    fn look_at_writer(&self, progress: &mut Progress) -> WriterState {
        let ring = &self.core.ring;
        let standing = ring.standing();
        let Some(writer) = Connection::of(standing) else {
            let counts = [&ring.block().payload_written_count, &ring.block().metadata_written_bytes];
            let seen = progress.last.is_some() || counts.into_iter().any(|count| load(count) != 0);
            return if seen { WriterState::Closed } else { WriterState::Absent };
        };
        progress.last = Some(writer);
        let ours = Connection::is_ours(standing);
        let lives = self.presence.writer_lives(ours, &mut progress.writer, writer.pid);
        // If another writer has come meanwhile, the next look is about that one.
        match lives || ring.standing() != standing {
            true => WriterState::Alive,
            false => WriterState::Died,
        }
    }

    /// Sets straight what a dead writer left, once; says whether there is a frame after all. Meanwhile the reader has
    /// the claim, which keeps out writers of other implementations, and the writer's lock, which keeps out ours.
    fn settle(&self, progress: &mut Progress) -> bool {
        let ring = &self.core.ring;
        let Some(dead) = progress.last.filter(|&dead| progress.settled != Some(dead)) else { return false };
        let own = load(&ring.block().reader_pid);
        pass(Point::ReaderDeath);
        if !ring.pass_claim(dead.pid, own) {
            return false;
        }
        let mut found = false;
        if self.presence.enter(Side::Writer) {
            found = self.has_frame(progress);
            if !found {
                // Nothing is released meanwhile.
                let _leases = self.core.leases();
                ring.settle(progress.read);
                progress.settled = Some(dead);
            }
            self.presence.leave(Side::Writer);
        }
        ring.pass_claim(own, dead.pid);
        found
    }

    /// A sequence goes up by one, or restarts at 1 with another writer.
    fn check_sequence(&self, progress: &Progress, found: Found) -> Result<Found, ErrorKind> {
        let (expected, seen) = (progress.expected, found.sequence);
        let is_another = || progress.stream.is_none() || self.core.ring.connection() != progress.stream;
        if seen == expected || seen == 1 && is_another() {
            return Ok(found);
        }
        Err(ErrorKind::Sequence { expected, seen })
    }

    /// The stream belongs to the writer that is connected now, unless the frame may be older than that one. A writer of
    /// another implementation does not say when it came.
    fn begin_stream(&self, progress: &mut Progress) {
        let ring = &self.core.ring;
        let connected = ring.connection();
        // After it: a stream that begins meanwhile is another's.
        let older = progress.read < load(&ring.block().reserved.stream_start);
        let ours = connected.is_some_and(|writer| ring.is_ours(writer.pid));
        progress.author = connected.filter(|_| !(ours && older));
        progress.stream = progress.author.filter(|_| ours || progress.idle == connected);
    }

    /// The process that has written the stream, as far as can be told, if it is still connected as it was then.
    pub(crate) fn present_author(&self) -> Option<u64> {
        let progress = self.progress.lock(Deadline::after(Duration::MAX), || self.usable()).ok()?;
        progress.author.filter(|_| self.core.ring.connection() == progress.author).map(|author| author.pid)
    }

    /// What is known of the writer now.
    pub fn writer_state(&self) -> Result<WriterState, Error> {
        Error::naming(self.name(), || {
            match self.progress.lock(Deadline::after(Duration::ZERO), || self.usable()) {
                Ok(mut progress) => Ok(self.look_at_writer(&mut progress)),
                Err(ErrorKind::Timeout { .. }) => {
                    Err(ErrorKind::Busy { reason: "another thread is reading" })
                }
                Err(kind) => Err(kind),
            }
        })
    }

    /// A copy of the metadata that the writer left.
    pub fn metadata(&self) -> Result<Vec<u8>, Error> {
        Error::naming(self.name(), || self.usable().and_then(|()| self.core.ring.metadata()))
    }

    /// Ends reading: wakes a blocked writer and removes the buffer. Frames that are held can still be looked at.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // A blocked call sees the flag within a slice.
        let _progress = self.progress.lock(Deadline::after(Duration::MAX), || Ok(()));
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
        self.ring.release(returned.bytes);
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
