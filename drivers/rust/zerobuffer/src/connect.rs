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
use crate::error::{During, ErrorKind};
use crate::layout::{ControlBlock, OIEB_SIZE};
use crate::memory::Segment;
use crate::names::Names;
use crate::ownership::{control_words, made_at};
use crate::peer::{Life, Peer};
use crate::points::{pass, Point};
use crate::presence::{open, Presence, Side};
use crate::ring::{load, Ring};
use crate::sys::{self, Access, Semaphore};

/// Of a `sem_t` of the C library.
const SEMAPHORE_SIZE: u64 = size_of::<libc::sem_t>() as u64;
/// Time between two tries. The protocol has no event for what they wait for.
const RETRY: Duration = Duration::from_millis(1);

/// What a writer and its slots share, and keep alive.
pub(crate) struct Core {
    pub names: Names,
    pub ring: Ring,
    pub data: Semaphore,
    pub space: Semaphore,
    pub presence: Presence,
    pub closed: AtomicBool,
    pub progress: Mutex<Progress>,
}

/// Where the writer is in the stream of frames.
pub(crate) struct Progress {
    /// Number of the next frame.
    pub sequence: u64,
    pub account: Account,
    pub reader: Peer,
    /// When the reader was last seen to live.
    pub reader_seen: Option<Instant>,
}

/// How long another try is worth it: until the timeout, and at least this long. `None`: not at all.
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
pub(crate) fn connect(names: &Names, timeout: Duration, any_owner: bool) -> Result<Core, ErrorKind> {
    let mut refused = None;
    loop {
        let Refusal(kind, patience) = match try_connect(names, any_owner) {
            Ok(core) => return Ok(core),
            Err(refusal) => refusal,
        };
        // Patience is counted from the first refusal, however long that attempt took.
        let first: Instant = *refused.get_or_insert_with(Instant::now);
        if patience.is_none_or(|least| first.elapsed() >= timeout.max(least)) {
            return Err(kind);
        }
        thread::sleep(RETRY);
    }
}

fn try_connect(names: &Names, any_owner: bool) -> Result<Core, Refusal> {
    let path = names.segment();
    let file = match open(&path, File::options().write(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Refusal(ErrorKind::NotFound, TIMEOUT))
        }
        opened => opened.during("open the segment", &path)?,
    };
    let look = "look at the segment";
    if !file.metadata().during(look, &path)?.is_file() {
        return Err(ErrorKind::invalid("length", 0, OIEB_SIZE).into());
    }
    let words = control_words(&file).during(look, &path)?;
    // After the words: a reader gives the segment its length before it formats it.
    let facts = file.metadata().during(look, &path)?;
    if ![0, sys::effective_user()].contains(&facts.uid()) && !any_owner {
        return Err(ErrorKind::OtherOwner { user: facts.uid().into() }.into());
    }
    if words.iter().all(|&word| word == 0) {
        return Err(Refusal(ErrorKind::invalid("oieb_size", 0, OIEB_SIZE), A_WHILE));
    }
    if words[offset_of!(ControlBlock, reader_pid) / 8] == 0 {
        return Err(Refusal(ErrorKind::ReaderDead { reason: "closed", pid: 0 }, A_MOMENT));
    }
    let segment = Segment::map(&file, facts.len(), Access::ReadWrite).during("map the segment", &path)?;
    let ring = Ring::attach(segment)?;
    pass(Point::WriterOpened);
    let (data, space) = (open_semaphore(&names.data_semaphore())?, open_semaphore(&names.space_semaphore())?);
    // The semaphores were found by name. The next owner makes its own after this segment is gone: as long as this
    // segment has its name, they belong to it.
    let presence = Presence::open(&path, File::options().write(true)).ok();
    let presence = presence.filter(|presence| sys::is_at(&presence.0, &path) && sys::is_at(&file, &path));
    let presence = presence.ok_or(Refusal(ErrorKind::NotFound, A_WHILE))?;
    let mut reader = Peer::begun_before(made_at(&facts).during(look, &path)?);
    presence.check_reader(&ring, &mut reader, names)?;
    if !presence.enter(Side::Writer) {
        return Err(refused_by(&ring));
    }
    // If the rest fails, the lock is given back with the descriptor.
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
    let mut words = [0; 12];
    let mut look = || {
        let file = open(&path, &mut File::options())?;
        let length = file.metadata()?.len();
        if length != SEMAPHORE_SIZE {
            return Ok((None, length));
        }
        file.read_exact_at(&mut words, 0)?;
        Ok((Some(Semaphore::open(name)?), length))
    };
    let looked: io::Result<_> = look();
    let missing = looked.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let (semaphore, length) = looked
        .during("open a semaphore", &path)
        .map_err(|kind| Refusal(kind, if missing { A_WHILE } else { None }))?;
    let Some(semaphore) = semaphore else {
        return Err(ErrorKind::invalid("length of a semaphore", length, SEMAPHORE_SIZE).into());
    };
    let word = |at: usize| u32::from_le_bytes(words[at..at + 4].try_into().expect("four bytes"));
    let (value, private) = (word(0), word(8));
    // The C library ends the whole process over a semaphore that is not as it makes them.
    if i32::try_from(value).is_err() || ![0, 128].contains(&private) {
        return Err(ErrorKind::invalid("value of a semaphore", value.into(), i32::MAX as u64).into());
    }
    Ok(semaphore)
}

/// The lock or the claim is another's: there is a writer, or one comes or goes, or the reader settles.
fn refused_by(ring: &Ring) -> Refusal {
    let pid = load(&ring.block().writer_pid);
    let patience = match pid {
        0 => A_WHILE,
        _ if pid == load(&ring.block().reader_pid) => A_MOMENT,
        _ => None,
    };
    Refusal(ErrorKind::WriterExists { pid }, patience)
}

/// Becomes the writer. The caller has the writer's lock.
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
    // Announced before the claim: no pid of ours stands in `writer_pid` without being known as ours.
    let account = Account::find(ring)?.ok_or_else(unclear)?;
    let before = ring.number();
    account.announce(ring, own);
    pass(Point::WriterAnnounced);
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
