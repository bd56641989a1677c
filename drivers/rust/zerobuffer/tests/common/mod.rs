//! What the tests share: names, raw looks at a segment, random numbers.
#![allow(dead_code)] // no test file uses all of it

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zerobuffer::{BufferConfig, Error, Reader, Writer};

pub const SOON: Duration = Duration::from_secs(10);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A name that no other test has.
pub fn unique(base: &str) -> String {
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
    format!("rust-{base}-{}-{moment}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// How often to try what shows in a race alone: five times as often where `ZEROBUFFER_TEST_LONG` is set, as it is at night.
pub fn times(often: usize) -> usize {
    often * if std::env::var_os("ZEROBUFFER_TEST_LONG").is_some() { 5 } else { 1 }
}

pub fn pair(base: &str, metadata_size: u64, payload_size: u64) -> (Reader, Writer) {
    let name = unique(base);
    let config = BufferConfig { metadata_size, payload_size, ..BufferConfig::default() };
    let reader = Reader::create(&name, config).expect("a reader");
    let writer = Writer::connect(&name, Duration::ZERO).expect("a writer");
    (reader, writer)
}

pub fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "no error",
        Err(error) => error.code(),
    }
}

pub fn segment(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from("/dev/shm").join(name)).expect("a segment")
}

/// A field of the control block, as another process would see it.
pub fn field(name: &str, field: &str) -> u64 {
    let [block, _] = zerobuffer::layout();
    let offset = block.fields.iter().find(|known| known.name == field).expect("a field").offset;
    u64::from_le_bytes(segment(name)[offset..offset + 8].try_into().expect("eight bytes"))
}

/// The tokens of "data": on 64-bit machines, glibc has the value in the lower half of a semaphore's word.
pub fn tokens(name: &str) -> u32 {
    let semaphore = fs::read(format!("/dev/shm/sem.sem-w-{name}")).expect("a semaphore");
    u32::from_le_bytes(semaphore[..4].try_into().expect("four bytes"))
}

/// Only while nobody waits for one.
pub fn set_tokens(name: &str, tokens: u32) {
    overwrite(&format!("sem.sem-w-{name}"), 0, &tokens.to_le_bytes());
}

pub fn overwrite(name: &str, offset: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    let file = fs::File::options().write(true).open(PathBuf::from("/dev/shm").join(name)).expect("a segment");
    file.write_all_at(bytes, offset).expect("the write");
}

/// As a writer of another implementation does it, from a position on.
pub fn write_by_hand(name: &str, position: u64, content: &[u8], sequence: u64) {
    let size = content.len() as u64;
    overwrite(name, 128 + position, &[&size.to_le_bytes(), &sequence.to_le_bytes(), content].concat());
    overwrite(name, 40, &(field(name, "payload_free_bytes") - 16 - size).to_le_bytes());
    overwrite(name, 48, &(position + 16 + size).to_le_bytes());
    set_tokens(name, tokens(name) + 1);
}

/// A field of the reserved bytes that are ours.
pub fn ours(name: &str, offset: u64) -> u64 {
    let offset = offset as usize;
    u64::from_le_bytes(segment(name)[offset..offset + 8].try_into().expect("eight bytes"))
}

pub const COMMITTED: u64 = 96;
pub const RELEASED: u64 = 104;
pub const CONNECTION: u64 = 112;

/// A buffer without its owner: as a reader leaves it that is killed, or as one of another implementation has it.
pub struct Orphan(pub String);

impl Orphan {
    pub fn of(name: &str) -> Self {
        let copy = Self(unique("orphan"));
        for part in ["", "sem.sem-w-", "sem.sem-r-"] {
            let path = |name: &str| format!("/dev/shm/{part}{name}");
            fs::copy(path(name), path(&copy.0)).expect("a copy");
        }
        copy
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        for path in objects(&self.0) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A process that lives until it is killed, or this one ends.
pub fn child() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a child")
}

pub fn pid_of_the_dead() -> u64 {
    let mut child = child();
    child.kill().expect("the kill");
    child.wait().expect("its end");
    child.id().into()
}

pub fn objects(name: &str) -> Vec<PathBuf> {
    let locks = std::env::var("ZEROBUFFER_LOCK_DIR").unwrap_or_else(|_| "/tmp/zerobuffer".into());
    [
        format!("/dev/shm/{name}"),
        format!("/dev/shm/sem.sem-w-{name}"),
        format!("/dev/shm/sem.sem-r-{name}"),
        format!("{locks}/{name}.lock"),
    ]
    .into_iter()
    .map(PathBuf::from)
    .filter(|path| path.exists())
    .collect()
}

/// The test data that all implementations agree on.
pub fn frame(size: usize, sequence: u64) -> Vec<u8> {
    (0..size).map(|index| ((index as u64 + sequence) % 256) as u8).collect()
}

/// Random numbers from a seed, which is printed and can be given as `ZEROBUFFER_SEED`.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        let given = std::env::var("ZEROBUFFER_SEED").ok().and_then(|seed| seed.parse().ok());
        let moment = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64;
        let seed = given.unwrap_or(moment);
        println!("ZEROBUFFER_SEED={seed}");
        Self(seed)
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
