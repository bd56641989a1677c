//! The writing side of a buffer: connects to what a reader created.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::layout::{FRAME_HEADER_SIZE, OIEB_SIZE};
use crate::memory::{Segment, Window};
use crate::names::Names;
use crate::ownership::made_at;
use crate::peer::{owner_lives, Life, Peer};
use crate::plan::{plan, Plan};
use crate::points::{pass, Point};
use crate::presence::Presence;
use crate::ring::{load, Ring};
use crate::sys::{self, Access, Semaphore};

/// How long to wait for a reader that is in the middle of creating the buffer.
const CREATION_PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for a reader that is taking back what a dead writer left.
const REPAIR_PATIENCE: Duration = Duration::from_millis(50);
/// The protocol has no event for either.
const RETRY: Duration = Duration::from_millis(1);
/// Tokens of "space" pile up while the writer never blocks: they are drained every so many frames.
const DRAIN_INTERVAL: u64 = 64;
const DRAIN_MOST: u32 = 1 << 16;
const SPINS: u32 = 400;

/// Connects to a buffer and writes frames into it. A buffer has one writer.
pub struct Writer {
    core: Arc<Core>,
}

struct Core {
    name: String,
    ring: Ring,
    data: Semaphore,
    space: Semaphore,
    presence: Presence,
    closed: AtomicBool,
    progress: Mutex<Progress>,
}

struct Progress {
    /// Number of the next frame.
    sequence: u64,
    /// Of this connection, see `presence`.
    place: i64,
    reader: Peer,
}

/// Why a connection cannot be made, and for how long it may be worth another try.
struct Refusal {
    kind: ErrorKind,
    patience: Duration,
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, patience: Duration::ZERO }
    }
}

impl Writer {
    /// Connects; waits for at most `timeout` for a buffer that does not exist yet.
    pub fn connect(name: &str, timeout: Duration) -> Result<Self, Error> {
        let names = Names::of(name)?;
        let begin = Instant::now();
        loop {
            match try_connect(&names) {
                Ok(core) => return Ok(Self { core: Arc::new(core) }),
                Err(refusal) => {
                    let patience = match refusal.kind {
                        ErrorKind::NotFound => timeout,
                        _ if refusal.patience.is_zero() => Duration::ZERO,
                        _ => refusal.patience.max(timeout.min(CREATION_PATIENCE)),
                    };
                    if begin.elapsed() >= patience {
                        return Err(Error::new(name, refusal.kind));
                    }
                }
            }
            thread::sleep(RETRY);
        }
    }

    /// Name of the buffer.
    pub fn name(&self) -> &str {
        &self.core.name
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

    /// Disconnects. The reader still gets every frame that was written, then learns of the end.
    pub fn close(&self) {
        if self.core.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // A blocked call sees the flag within a slice.
        let progress = self.core.progress.lock().unwrap_or_else(PoisonError::into_inner);
        self.core.presence.leave(progress.place);
        self.core.give_up_claim();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer").field("name", &self.core.name).finish_non_exhaustive()
    }
}

fn try_connect(names: &Names) -> Result<Core, Refusal> {
    let path = names.segment();
    let failed = |operation| move |error| ErrorKind::from_io(error, operation, names.segment());
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match File::options().read(true).write(true).custom_flags(flags).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ErrorKind::NotFound.into()),
        opened => opened.map_err(failed("open the segment"))?,
    };
    let facts = file.metadata().map_err(failed("look at the segment"))?;
    check_formatted(&file, facts.len())?;
    let segment = Segment::map(&file, facts.len(), Access::ReadWrite).map_err(failed("map the segment"))?;
    let mut core = Core {
        name: names.buffer.clone(),
        ring: Ring::attach(segment)?,
        data: open_semaphore(&names.data_semaphore())?,
        space: open_semaphore(&names.space_semaphore())?,
        presence: Presence::new(file),
        closed: AtomicBool::new(false),
        progress: Mutex::new(Progress { sequence: 1, place: 0, reader: Peer::default() }),
    };
    claim(&mut core, names, made_at(&facts))?;
    Ok(core)
}

/// A segment that is short or all zero is in the middle of its creation.
fn check_formatted(file: &File, length: u64) -> Result<(), Refusal> {
    let unready = |field, value| Refusal {
        kind: ErrorKind::InvalidOieb { field, value, limit: OIEB_SIZE },
        patience: CREATION_PATIENCE,
    };
    let mut block = [0; OIEB_SIZE as usize];
    if length < OIEB_SIZE || file.read_exact_at(&mut block, 0).is_err() {
        return Err(unready("length", length));
    }
    if block.iter().all(|&byte| byte == 0) {
        return Err(unready("oieb_size", 0));
    }
    Ok(())
}

/// Peers make the semaphores after the segment.
fn open_semaphore(name: &str) -> Result<Semaphore, Refusal> {
    Semaphore::open(name).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let kind = ErrorKind::from_io(error, "open a semaphore", Names::semaphore_file(name));
        Refusal { kind, patience: if missing { CREATION_PATIENCE } else { Duration::ZERO } }
    })
}

/// Becomes the writer by compare-and-swap, from nobody or from a dead one, once everything is open.
fn claim(core: &mut Core, names: &Names, made_at: f64) -> Result<(), Refusal> {
    let block = core.ring.block();
    let reader = load(&block.reader_pid);
    if reader == 0 {
        let kind = ErrorKind::ReaderDead { reason: "closed", pid: 0 };
        return Err(Refusal { kind, patience: REPAIR_PATIENCE });
    }
    if !owner_lives(reader, made_at) && !is_locked(names) {
        return Err(ErrorKind::ReaderDead { reason: "died", pid: reader }.into());
    }
    let own = u64::from(std::process::id());
    let owner = load(&block.writer_pid);
    let alive = match Peer::default().look(owner) {
        Life::Alive => true,
        Life::Unknown => owner != 0 && core.presence.writer() != 0,
        Life::Dead => false,
    };
    if alive {
        // The reader holds the claim for the moment in which it takes back what a dead writer left.
        let repairing = owner == reader && owner != own;
        let patience = if repairing { REPAIR_PATIENCE } else { Duration::ZERO };
        return Err(Refusal { kind: ErrorKind::WriterExists { pid: owner }, patience });
    }
    if let Err(other) = block.writer_pid.compare_exchange(owner, own, Ordering::AcqRel, Ordering::Acquire) {
        return Err(Refusal { kind: ErrorKind::WriterExists { pid: other }, patience: REPAIR_PATIENCE });
    }
    let place = core.presence.enter();
    core.progress.get_mut().unwrap_or_else(PoisonError::into_inner).place = place;
    for _ in 0..owed_posts(core, owner) {
        let _ = core.data.post();
    }
    core.ring.clear_reserved();
    Ok(())
}

/// How many posts a dead writer owes: the least of several looks, as a reader may be between a token and its frame.
fn owed_posts(core: &Core, dead: u64) -> u64 {
    if dead == 0 {
        return 0;
    }
    let mut least = u64::MAX;
    for _ in 0..3 {
        least = least.min(core.ring.owed_by_dead_writer(core.data.value()));
        if least == 0 {
            break;
        }
        thread::sleep(RETRY);
    }
    least
}

/// Whether somebody holds the lock of the buffer: then its reader lives, whatever its number means here.
fn is_locked(names: &Names) -> bool {
    let opened =
        File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(names.lock_path());
    opened.is_ok_and(|file| sys::try_lock(&file).is_ok_and(|free| !free))
}

impl Core {
    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&self.name, kind)
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
        let pid = load(&self.ring.block().reader_pid);
        if pid == 0 {
            return Err(ErrorKind::ReaderDead { reason: "closed", pid });
        }
        let locked = || Names::of(&self.name).is_ok_and(|names| is_locked(&names));
        match progress.reader.look(pid) {
            Life::Alive => Ok(()),
            Life::Unknown if locked() => Ok(()),
            Life::Unknown | Life::Dead => Err(ErrorKind::ReaderDead { reason: "died", pid }),
        }
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
            let (write_pos, free) = self.ring.writer_state()?;
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
                .map_err(|error| ErrorKind::from_io(error, "wait for space", &self.name))?;
        }
    }

    fn publish(&self, progress: &mut Progress, plan: &Plan, window: Window) -> Result<u64, ErrorKind> {
        self.usable()?;
        let sequence = progress.sequence;
        progress.sequence += 1;
        self.ring.publish(plan, window, sequence)?;
        self.data.post().map_err(|error| ErrorKind::from_io(error, "post a frame", &self.name))?;
        pass(Point::WriterPost);
        pass(Point::WriterDone);
        Ok(sequence)
    }

    fn drain(&self) {
        let _ = (0..DRAIN_MOST).all(|_| self.space.try_take());
    }

    /// Nothing is posted: the reader notices by itself.
    fn give_up_claim(&self) {
        let own = u64::from(std::process::id());
        let claim = &self.ring.block().writer_pid;
        let _ = claim.compare_exchange(own, 0, Ordering::AcqRel, Ordering::Acquire);
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
