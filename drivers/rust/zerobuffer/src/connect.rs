//! Becoming the writer of a buffer: open everything, check it, then claim it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::layout::OIEB_SIZE;
use crate::memory::Segment;
use crate::names::Names;
use crate::ownership::made_at;
use crate::peer::{owner_lives, Life, Peer};
use crate::points::{pass, Point};
use crate::presence::Presence;
use crate::ring::{load, Ring};
use crate::sys::{self, Access, Semaphore};
use crate::writer::{Core, Progress};

/// How long to wait for a reader that is in the middle of creating the buffer.
const CREATION_PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for a reader that is taking back what a dead writer left.
const REPAIR_PATIENCE: Duration = Duration::from_millis(50);
/// The protocol has no event for either.
const RETRY: Duration = Duration::from_millis(1);

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

/// Connects; waits for at most `timeout` for a buffer that does not exist yet.
pub(crate) fn connect(names: &Names, timeout: Duration) -> Result<Core, Error> {
    let begin = Instant::now();
    let mut refused = None;
    loop {
        match try_connect(names) {
            Ok(core) => return Ok(core),
            Err(refusal) => {
                let timeout = match refusal.kind {
                    ErrorKind::NotFound => timeout,
                    _ if refusal.patience.is_zero() => Duration::ZERO,
                    _ => timeout.min(CREATION_PATIENCE),
                };
                // There is patience from the first refusal on, however long the attempt took that met it.
                let first: Instant = *refused.get_or_insert_with(Instant::now);
                if begin.elapsed() >= timeout && first.elapsed() >= refusal.patience {
                    return Err(Error::new(&names.buffer, refusal.kind));
                }
            }
        }
        thread::sleep(RETRY);
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
    let ring = Ring::attach(segment)?;
    pass(Point::WriterOpened);
    let (data, space) = (open_semaphore(&names.data_semaphore())?, open_semaphore(&names.space_semaphore())?);
    // They were found by name. An owner's objects are removed before the next owner makes its own, the segment first: as
    // long as the segment has its name, they belong to it.
    if !sys::is_at(&file, &path) {
        return Err(Refusal { kind: ErrorKind::NotFound, patience: CREATION_PATIENCE });
    }
    let mut core = Core {
        name: names.buffer.clone(),
        ring,
        data,
        space,
        presence: Presence::new(file),
        closed: AtomicBool::new(false),
        progress: Mutex::new(Progress { sequence: 1, reader: Peer::default() }),
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
        Life::Unknown => owner != 0 && core.presence.writer().is_some(),
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
    if owner != 0 {
        core.ring.finish_commit();
    }
    core.presence.enter(load(&core.ring.block().payload_written_count));
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
pub(crate) fn is_locked(names: &Names) -> bool {
    let opened =
        File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(names.lock_path());
    opened.is_ok_and(|file| sys::try_lock(&file).is_ok_and(|free| !free))
}

#[cfg(all(test, feature = "points"))]
mod tests {
    use std::io::Read;
    use std::process::{Child, Command, ExitStatus, Stdio};

    use super::*;
    use crate::{arm, BufferConfig, Deed, Reader, Writer};

    const SOON: Duration = Duration::from_secs(10);
    const PART: &str = "ZEROBUFFER_TEST_PART";
    const FRAME: [u8; 100] = [7; 100];
    const SMALL: BufferConfig = BufferConfig { metadata_size: 0, payload_size: 1024, mode: 0o600 };

    /// Another process of this program that plays a part in a test; it ends with this one at the latest.
    struct Player(Child);

    impl Player {
        fn of(test: &str, part: &str, name: &str) -> Self {
            let child = Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", test, "--nocapture"])
                .env(PART, format!("{part} {name}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn();
            Self(child.expect("another process"))
        }

        fn pid(&self) -> libc::pid_t {
            self.0.id().try_into().expect("its number")
        }

        fn await_stop(&self) {
            let begin = Instant::now();
            while !sys::has_stopped(self.pid()).expect("a look at it") {
                assert!(begin.elapsed() < SOON, "it did not stop");
                thread::sleep(RETRY);
            }
        }

        fn end(&mut self) -> ExitStatus {
            let begin = Instant::now();
            loop {
                if let Some(status) = self.0.try_wait().expect("a look at it") {
                    return status;
                }
                assert!(begin.elapsed() < SOON, "it did not end");
                thread::sleep(RETRY);
            }
        }
    }

    impl Drop for Player {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn play(part: &str, name: &str) {
        sys::die_with_parent().expect("an end with the parent");
        if part == "reader" {
            let _reader = Reader::create(name, SMALL).expect("a reader");
            let _ = std::io::stdin().read(&mut [0]);
            return;
        }
        assert!(arm("writer.opened", 1, Deed::Halt));
        // No timeout: what it has met must be worth another try by itself.
        let writer = Writer::connect(name, Duration::ZERO).expect("a writer");
        writer.write(&FRAME, SOON).expect("a write");
    }

    #[test]
    fn a_writer_on_its_way_in_belongs_to_one_reader() {
        if let Some((part, name)) = std::env::var(PART).as_deref().ok().and_then(|said| said.split_once(' '))
        {
            return play(part, name);
        }
        let test = "connect::tests::a_writer_on_its_way_in_belongs_to_one_reader";
        let name = format!("rust-on-its-way-{}", std::process::id());
        let first = Player::of(test, "reader", &name);
        Writer::connect(&name, SOON).expect("the first reader").close();
        let mut writer = Player::of(test, "writer", &name);
        writer.await_stop();
        drop(first);
        let second = Reader::create(&name, SMALL).expect("the second reader");
        sys::go_on(writer.pid()).expect("the signal");
        let frame = second.read(SOON).expect("a frame");
        assert_eq!((frame.sequence(), &frame[..]), (1, &FRAME[..]));
        assert!(writer.end().success());
        let names = Names::of(&name).expect("a name");
        assert_eq!(Semaphore::open(&names.data_semaphore()).expect("a semaphore").value(), 0, "surplus");
    }
}
