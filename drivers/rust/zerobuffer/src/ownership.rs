//! Creating and removing the four objects of a buffer: segment, two semaphores, lock file. Its reader owns them.
//!
//! What belongs to a living owner is never touched, what a dead one left is replaced, and a creation that fails
//! half-way leaves nothing behind.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::mem::offset_of;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::error::{During, ErrorKind};
use crate::fork::Kept;
use crate::layout::{BufferConfig, ControlBlock, Extent, Reserved, OIEB_SIZE, VERSION_MAJOR};
use crate::memory::Segment;
use crate::names::Names;
use crate::peer::{Life, Peer};
use crate::presence::{open, Presence, Side};
use crate::ring::Ring;
use crate::sys::{self, Access, Semaphore};

/// How long to wait for a lock file that somebody holds: it may just be tested.
const LOCK_PATIENCE: Duration = Duration::from_millis(100);

/// The lock of a buffer, held until this is dropped, which removes its file.
struct Lock {
    path: PathBuf,
    _file: Kept,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The objects of one buffer, removed when this is dropped.
pub(crate) struct Owned {
    names: Names,
    segment: Arc<Presence>,
    /// Dropped after the objects are removed: nobody creates the buffer anew meanwhile.
    _lock: Lock,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // The semaphores are ours as long as no other owner's segment has the name.
        let path = self.names.segment();
        if sys::is_at(&self.segment.0, &path) || fs::symlink_metadata(&path).is_err() {
            let _ = remove_objects(&self.names);
        }
    }
}

/// A fresh buffer and all that its reader works with.
pub(crate) struct Created {
    pub owned: Owned,
    pub ring: Ring,
    pub data: Semaphore,
    pub space: Semaphore,
    pub presence: Arc<Presence>,
}

/// Creates the objects of a buffer, replacing what a dead owner left.
pub(crate) fn create(names: &Names, config: &BufferConfig) -> Result<Created, ErrorKind> {
    let extent = Extent::of(config).ok_or(ErrorKind::InvalidConfig)?;
    let lock = lock(names, config.mode)?;
    clear(names)?;
    let segment = Arc::new(make_segment(names, config.mode)?);
    let owned = Owned { names: names.clone(), segment, _lock: lock };
    let semaphore = |name: &str| {
        let file = Names::semaphore_file(name);
        let make = || {
            unless_missing(Semaphore::unlink(name))?;
            let semaphore = Semaphore::create(name, config.mode)?;
            fs::set_permissions(&file, Permissions::from_mode(config.mode))?;
            Ok(semaphore)
        };
        make().during("create a semaphore", &file)
    };
    let data = semaphore(&names.data_semaphore())?;
    let space = semaphore(&names.space_semaphore())?;
    let path = names.segment();
    let map = || {
        let file = open(&path, File::options().write(true))?;
        if !sys::is_at(&owned.segment.0, &path) {
            return Err(io::Error::from_raw_os_error(libc::ESTALE));
        }
        file.set_permissions(Permissions::from_mode(config.mode))?;
        let segment = Segment::map(&file, extent.segment_size(), Access::ReadOnly)?;
        sys::reserve(&file, extent.segment_size())?;
        Ok(segment)
    };
    let segment = map().during("make the segment as large as it must be", &path)?;
    // Last: the semaphores stand, so a writer that sees the control block finds everything.
    let ring = Ring::format(segment, extent, std::process::id().into());
    let presence = Arc::clone(&owned.segment);
    Ok(Created { owned, ring, data, space, presence })
}

/// Makes the segment, which is the ownership.
fn make_segment(names: &Names, mode: u32) -> Result<Presence, ErrorKind> {
    let path = names.segment();
    match Presence::open(&path, File::options().write(true).create_new(true).mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => {
            let segment = made.during("create the segment", &path)?;
            if keep(&segment, &path) {
                return Ok(segment);
            }
        }
    }
    Err(ErrorKind::BufferInUse { pid: 0 })
}

/// Takes the reader's lock on a new segment. A process that looked earlier may take the segment for a dead owner's: it
/// has removed it, or is about to, or sees the lock.
fn keep(segment: &Presence, path: &Path) -> bool {
    segment.enter(Side::Reader) && !segment.is_held(Side::Remover) && sys::is_at(&segment.0, path)
}

/// Removes what a dead owner left.
fn clear(names: &Names) -> Result<(), ErrorKind> {
    let path = names.segment();
    loop {
        let segment = match Presence::open(&path, File::options().write(true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.during("open the segment that stands there", &path)?,
        };
        let look = "look at the segment that stands there";
        check_kind(&segment.0).during(look, &path)??;
        let entered = segment.enter(Side::Remover);
        let reader = living_reader(&segment).during(look, &path)?;
        if reader.is_some() || !entered {
            return Err(ErrorKind::BufferInUse { pid: reader.unwrap_or(0) });
        }
        if sys::is_at(&segment.0, &path) {
            return remove_objects(names).during("remove what a dead owner left", &path);
        }
    }
}

/// The control block of a segment, word by word; zero if the file is shorter.
pub(crate) fn control_words(file: &File) -> io::Result<[u64; OIEB_SIZE as usize / 8]> {
    let mut bytes = [0; OIEB_SIZE as usize];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bytes.fill(0),
        read => read?,
    }
    Ok(std::array::from_fn(|word| {
        u64::from_le_bytes(bytes[8 * word..][..8].try_into().expect("eight bytes"))
    }))
}

/// Refuses what is neither a buffer nor going to be one, and so belongs to another program.
fn check_kind(file: &File) -> io::Result<Result<(), ErrorKind>> {
    if !file.metadata()?.is_file() {
        return Ok(Err(ErrorKind::invalid("length", 0, OIEB_SIZE)));
    }
    let head = control_words(file)?[0];
    let (size, major) = (head & u64::from(u32::MAX), (head >> 32) as u8);
    Ok(match (size, major) {
        (OIEB_SIZE, VERSION_MAJOR) => Ok(()),
        (0, _) if is_zero(file)? => Ok(()),
        (OIEB_SIZE, _) => Err(ErrorKind::invalid("version.major", major.into(), VERSION_MAJOR.into())),
        _ => Err(ErrorKind::invalid("oieb_size", size, OIEB_SIZE)),
    })
}

fn is_zero(mut file: &File) -> io::Result<bool> {
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(true),
            length if chunk[..length].iter().any(|&byte| byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// The reader that a segment names, if it lives.
fn living_reader(segment: &Presence) -> io::Result<Option<u64>> {
    let words = control_words(&segment.0)?;
    let pid = words[offset_of!(ControlBlock, reader_pid) / 8];
    let foreign = words[(offset_of!(ControlBlock, reserved) + offset_of!(Reserved, released)) / 8] == 0;
    let made_at = made_at(&segment.0.metadata()?)?;
    let lives =
        segment.is_held(Side::Reader) || foreign && Peer::begun_before(made_at).look(pid) == Life::Alive;
    Ok(lives.then_some(pid))
}

fn lock(names: &Names, mode: u32) -> Result<Lock, ErrorKind> {
    let path = names.lock_path();
    let directory = open_lock_directory(&Names::lock_directory()).during("open the lock directory", &path)?;
    let begin = Instant::now();
    loop {
        let file = Kept::open(|| open_lock_file(&directory, &names.lock_file(), mode))
            .during("open the lock file", &path)?;
        if sys::try_lock(&file).during("lock the lock file", &path)? {
            // Its last owner removes it while holding the lock: what we have locked may be gone.
            if !sys::is_at(&file, &path) {
                continue;
            }
            if file.metadata().during("look at the lock file", &path)?.nlink() != 1 {
                let linked = Err(io::Error::from_raw_os_error(libc::EMLINK));
                return linked.during("use a lock file that has another name, too", &path);
            }
            // Another user's file may be ours to lock, but not to change.
            let _ = file.set_permissions(Permissions::from_mode(mode));
            return Ok(Lock { path, _file: file });
        }
        if begin.elapsed() >= LOCK_PATIENCE {
            let segment = Presence::open(&names.segment(), &mut File::options());
            let reader = segment.and_then(|segment| living_reader(&segment)).ok().flatten();
            return Err(ErrorKind::BufferInUse { pid: reader.unwrap_or(0) });
        }
        // There is no event for a lock that is given up.
        thread::sleep(Duration::from_millis(2));
    }
}

fn open_lock_directory(path: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o777).create(path.parent().unwrap_or(path))?;
    match fs::create_dir(path) {
        // Every user's buffers have their lock here, each removable by its owner alone.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o1777))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    File::options().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)
}

fn open_lock_file(directory: &File, name: &str, mode: u32) -> io::Result<File> {
    let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    loop {
        // In two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its mode
        // allows.
        match sys::open_in(directory, name, flags, 0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(file) if !file.metadata()?.is_file() => {
                return Err(io::Error::from_raw_os_error(libc::EINVAL))
            }
            opened => return opened,
        }
        match sys::open_in(directory, name, flags | libc::O_CREAT | libc::O_EXCL, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created,
        }
    }
}

/// When a segment was made, at the latest, in seconds since the epoch.
pub(crate) fn made_at(facts: &fs::Metadata) -> io::Result<f64> {
    Ok(facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// Removes semaphores and segment, whatever fails on the way; says what failed first.
fn remove_objects(names: &Names) -> io::Result<()> {
    let removals = [
        Semaphore::unlink(&names.data_semaphore()),
        Semaphore::unlink(&names.space_semaphore()),
        fs::remove_file(names.segment()),
    ];
    removals.into_iter().try_for_each(unless_missing)
}

fn unless_missing(removal: io::Result<()>) -> io::Result<()> {
    removal.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_owner_left_is_removed_by_one() {
        let names = Names::of(&format!("rust-removed-by-one-{}", std::process::id())).expect("a name");
        fs::write(names.segment(), [0; 256]).expect("a segment");
        let remover = Presence::open(&names.segment(), File::options().write(true)).expect("the segment");
        assert!(remover.enter(Side::Remover));
        let created = || create(&names, &BufferConfig::default()).map(drop);
        assert!(matches!(created(), Err(ErrorKind::BufferInUse { .. })));
        assert!(!remover.is_held(Side::Reader), "a removal is no sign of life");
        let segment = Presence::open(&names.segment(), File::options().write(true)).expect("the segment");
        assert!(!keep(&segment, &names.segment()), "made just before it was taken for a dead owner's");
        drop((segment, remover));
        created().expect("the buffer of a dead owner");
    }
}
