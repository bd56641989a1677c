//! Becoming the writer of a buffer: open everything, check it, then claim it.

use std::fs::File;
use std::io;
use std::mem::offset_of;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::AtomicBool;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::account::{inherit, Account};
use crate::error::{Error, ErrorKind};
use crate::layout::{ControlBlock, OIEB_SIZE};
use crate::memory::Segment;
use crate::names::Names;
use crate::ownership::{control_words, made_at, open, open_segment};
use crate::peer::{Life, Peer};
use crate::points::{pass, Point};
use crate::presence::Side;
use crate::ring::{load, Ring};
use crate::sys::{self, Access, Semaphore};
use crate::writer::{Core, Progress};

/// Of a `sem_t` of the C library.
const SEMAPHORE_SIZE: u64 = size_of::<libc::sem_t>() as u64;
/// The protocol has no event for what a try waits for.
const RETRY: Duration = Duration::from_millis(1);

/// How long another try is worth it: the timeout, and so long at the least.
type Patience = Option<Duration>;
const TIMEOUT: Patience = Some(Duration::ZERO);
/// For a reader that is settling, or on its way in or out.
const A_MOMENT: Patience = Some(Duration::from_millis(50));
/// For what ends by itself, but not at once.
const A_WHILE: Patience = Some(Duration::from_secs(1));

/// Why a connection cannot be made.
struct Refusal(ErrorKind, Patience);

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Self(kind, None)
    }
}

/// Connects; waits for at most `timeout` for a buffer that does not exist yet.
pub(crate) fn connect(names: &Names, timeout: Duration, any_owner: bool) -> Result<Core, Error> {
    let mut refused = None;
    loop {
        let Refusal(kind, patience) = match try_connect(names, any_owner) {
            Ok(core) => return Ok(core),
            Err(refusal) => refusal,
        };
        // There is patience from the first refusal on, however long the attempt took that met it.
        let first: Instant = *refused.get_or_insert_with(Instant::now);
        if patience.is_none_or(|least| first.elapsed() >= timeout.max(least)) {
            return Err(Error::new(&names.buffer, kind));
        }
        thread::sleep(RETRY);
    }
}

fn try_connect(names: &Names, any_owner: bool) -> Result<Core, Refusal> {
    let path = names.segment();
    let failed = |operation| move |error| ErrorKind::from_io(error, operation, names.segment());
    let file = match open(&path, File::options().write(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Refusal(ErrorKind::NotFound, TIMEOUT))
        }
        opened => opened.map_err(failed("open the segment"))?,
    };
    let looked = "look at the segment";
    let words = control_words(&file).map_err(failed(looked))?;
    // After the words: who has formatted the segment has given it its length.
    let facts = file.metadata().map_err(failed(looked))?;
    if ![0, sys::effective_user()].contains(&facts.uid()) && !any_owner {
        return Err(ErrorKind::OtherOwner { user: facts.uid().into() }.into());
    }
    if words.iter().all(|&word| word == 0) {
        let unready = ErrorKind::InvalidOieb { field: "oieb_size", value: 0, limit: OIEB_SIZE };
        return Err(Refusal(unready, A_WHILE));
    }
    if words[offset_of!(ControlBlock, reader_pid) / 8] == 0 {
        return Err(Refusal(ErrorKind::ReaderDead { reason: "closed", pid: 0 }, A_MOMENT));
    }
    let segment = Segment::map(&file, facts.len(), Access::ReadWrite).map_err(failed("map the segment"))?;
    let ring = Ring::attach(segment)?;
    pass(Point::WriterOpened);
    let (data, space) = (open_semaphore(&names.data_semaphore())?, open_semaphore(&names.space_semaphore())?);
    // They were found by name. The next owner makes its own after the segment of the one before is gone: as long as this
    // one has its name, they belong to it.
    let presence = open_segment(&path, File::options().write(true)).ok();
    let presence = presence.filter(|presence| sys::is_at(&presence.0, &path) && sys::is_at(&file, &path));
    let presence = presence.ok_or(Refusal(ErrorKind::NotFound, A_WHILE))?;
    let mut reader = Peer::begun_before(made_at(&facts));
    presence.check_reader(&ring, &mut reader, names)?;
    if !presence.enter(Side::Writer) {
        return Err(refused_by(&ring));
    }
    // From here on the lock is given back with the descriptor.
    let account = claim(&ring)?;
    Ok(Core {
        names: names.clone(),
        ring,
        data,
        space,
        presence,
        closed: AtomicBool::new(false),
        progress: Mutex::new(Progress { sequence: 1, account, reader, reader_seen: None }),
    })
}

/// Peers make the semaphores after the segment.
fn open_semaphore(name: &str) -> Result<Semaphore, Refusal> {
    let path = Names::semaphore_file(name);
    let failed = |error: io::Error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let kind = ErrorKind::from_io(error, "open a semaphore", path.clone());
        Refusal(kind, if missing { A_WHILE } else { None })
    };
    let semaphore = Semaphore::open(name).map_err(failed)?;
    let file = open(&path, &mut File::options()).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let invalid = |field, value: u64, limit| ErrorKind::InvalidOieb { field, value, limit };
    if length != SEMAPHORE_SIZE {
        return Err(invalid("length of a semaphore", length, SEMAPHORE_SIZE).into());
    }
    let mut words = [0; 12];
    file.read_exact_at(&mut words, 0).map_err(failed)?;
    let word = |at: usize| u32::from_le_bytes(words[at..at + 4].try_into().expect("four bytes"));
    let (value, private) = (word(0), word(8));
    // The C library ends the whole process over a semaphore that is not as it makes them.
    if i32::try_from(value).is_err() || ![0, 128].contains(&private) {
        return Err(invalid("value of a semaphore", value.into(), i32::MAX as u64).into());
    }
    Ok(semaphore)
}

/// There is a writer, or somebody comes or goes, or the reader settles.
fn refused_by(ring: &Ring) -> Refusal {
    let pid = load(&ring.block().writer_pid);
    let patience = match pid {
        0 => A_WHILE,
        _ if pid == load(&ring.block().reader_pid) => A_MOMENT,
        _ => None,
    };
    Refusal(ErrorKind::WriterExists { pid }, patience)
}

/// Becomes the writer; the writer's lock is ours.
fn claim(ring: &Ring) -> Result<Account, Refusal> {
    let own = u64::from(std::process::id());
    let owner = load(&ring.block().writer_pid);
    let unclear = || Refusal(ErrorKind::WriterExists { pid: owner }, A_WHILE);
    if owner != 0 {
        let ours = ring.is_ours(owner);
        let dead = || owner == own || Peer::default().look(owner) != Life::Alive;
        if !ours && (owner == load(&ring.block().reader_pid) || !dead()) {
            return Err(refused_by(ring));
        }
        if ring.reader_is_ours() && !inherit(ring, ours)? {
            return Err(unclear());
        }
        if !ring.pass_claim(owner, 0) {
            return Err(refused_by(ring));
        }
    }
    // Announced before the claim: a number of ours never stands there that is not known as such.
    let account = Account::find(ring)?.ok_or_else(unclear)?;
    let before = ring.number();
    account.announce(ring, own);
    if !ring.pass_claim(0, own) {
        ring.disclaim(before);
        return Err(refused_by(ring));
    }
    // A writer of another implementation may have come and gone between the look and the claim.
    if Account::find(ring).ok().flatten().as_ref() != Some(&account) {
        ring.leave(own);
        return Err(unclear());
    }
    Ok(account)
}

#[cfg(all(test, feature = "points"))]
mod tests {
    use std::io::Read;
    use std::process::{Child, Command, ExitStatus, Stdio};

    use super::*;
    use crate::fork;
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
                .env(PART, format!("{} {name}", part.replace(' ', "-")))
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

    /// Plays the part that this process has, if any.
    fn has_played() -> bool {
        let said = std::env::var(PART).unwrap_or_default();
        said.split_once(' ').map(|(part, name)| play(part, name)).is_some()
    }

    fn play(part: &str, name: &str) {
        sys::die_with_parent().expect("an end with the parent");
        if part.starts_with("reader") {
            let _reader = Reader::create(name, SMALL).expect("a reader");
            if part == "reader-that-forks" {
                fork::fork_a_child();
                sys::kill_this_process();
            }
            let _ = std::io::stdin().read(&mut [0]);
            return;
        }
        if part == "writer-that-forks" {
            let writer = Writer::connect(name, Duration::ZERO).expect("a writer");
            writer.write(&FRAME, SOON).expect("a write");
            fork::fork_a_child();
            sys::kill_this_process();
        }
        assert!(arm("writer.opened", 1, Deed::Halt));
        // No timeout: what it has met must be worth another try by itself.
        let writer = Writer::connect(name, Duration::ZERO).expect("a writer");
        writer.write(&FRAME, SOON).expect("a write");
    }

    #[test]
    fn a_writer_on_its_way_in_belongs_to_one_reader() {
        if has_played() {
            return;
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
        assert!(!Semaphore::open(&names.data_semaphore()).expect("a semaphore").try_take(), "surplus");
    }

    /// The child has a copy of each descriptor, and outlives the parent.
    #[test]
    fn what_is_killed_is_dead_though_its_child_lives() {
        if has_played() {
            return;
        }
        let test = "connect::tests::what_is_killed_is_dead_though_its_child_lives";
        let name = format!("rust-forks-{}", std::process::id());
        let mut first = Player::of(test, "reader that forks", &name);
        assert!(!first.end().success());
        let reader = Reader::create(&name, SMALL).expect("the buffer of a dead reader");
        let mut writer = Player::of(test, "writer that forks", &name);
        assert!(!writer.end().success());
        assert_eq!(reader.read(SOON).expect("a frame")[..], FRAME);
        assert_eq!(reader.read(SOON).expect_err("its death").code(), "writer_dead");
        let next = Writer::connect(&name, Duration::ZERO).expect("the next writer");
        next.write(&FRAME, SOON).expect("a write");
        assert_eq!(reader.read(SOON).expect("a frame").sequence(), 1);
    }
}
