//! Creating and removing the four objects of a buffer: segment, two semaphores, lock file. Its reader owns them.
//!
//! What belongs to a living owner is never touched, what a dead one left is replaced, and a creation that fails half-way
//! leaves nothing behind.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::layout::{BufferConfig, Extent, OIEB_SIZE};
use crate::memory::Segment;
use crate::names::Names;
use crate::peer::owner_lives;
use crate::presence::Presence;
use crate::ring::Ring;
use crate::sys::{self, Access, Semaphore};

/// How long to wait for a lock whose holder is not a living reader: somebody may just be testing it.
const LOCK_PATIENCE: Duration = Duration::from_millis(100);
const READER_PID_OFFSET: usize = 88;

/// The lock of a buffer, held until this is dropped, which removes its file.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The objects of one buffer, removed when this is dropped.
pub(crate) struct Owned {
    names: Names,
    /// Dropped after the objects are removed: nobody creates the buffer anew meanwhile.
    _lock: Lock,
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = remove_objects(&self.names);
    }
}

/// A fresh buffer and all that its reader works with.
pub(crate) struct Created {
    pub owned: Owned,
    pub ring: Ring,
    pub data: Semaphore,
    pub space: Semaphore,
    pub presence: Presence,
}

/// Creates the objects of a buffer, replacing what a dead owner left.
pub(crate) fn create(names: &Names, config: &BufferConfig) -> Result<Created, Error> {
    let fail = |kind| Error::new(&names.buffer, kind);
    let extent = Extent::of(config).ok_or_else(|| fail(ErrorKind::InvalidConfig))?;
    let lock = lock(names, config.mode).map_err(fail)?;
    let failed = |operation, path: &Path| {
        let path = path.to_owned();
        move |error| Error::new(&names.buffer, ErrorKind::from_io(error, operation, path))
    };
    let segment_path = names.segment();
    // A free lock proves nothing (one peer locks elsewhere), so the segment is looked at, too.
    if let Some(pid) =
        living_reader(names).map_err(failed("look at the segment that stands there", &segment_path))?
    {
        return Err(fail(ErrorKind::BufferInUse { pid }));
    }
    remove_objects(names).map_err(failed("remove what a dead owner left", &segment_path))?;
    let owned = Owned { names: names.clone(), _lock: lock };
    let semaphore = |name: &str| {
        let file = Names::semaphore_file(name);
        Semaphore::create(name, config.mode)
            .and_then(|semaphore| {
                fs::set_permissions(&file, Permissions::from_mode(config.mode))?;
                Ok(semaphore)
            })
            .map_err(failed("create a semaphore", &file))
    };
    let data = semaphore(&names.data_semaphore())?;
    let space = semaphore(&names.space_semaphore())?;
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(config.mode)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&segment_path)
        .map_err(failed("create the segment", &segment_path))?;
    let map = || {
        file.set_permissions(Permissions::from_mode(config.mode))?;
        file.set_len(extent.segment_size())?;
        let segment = Segment::map(&file, extent.segment_size(), Access::ReadOnly)?;
        sys::reserve(&file, extent.segment_size())?;
        Ok(segment)
    };
    let segment = map().map_err(failed("make the segment as large as it must be", &segment_path))?;
    // Last: the semaphores stand, so a writer that sees the control block finds everything.
    let ring = Ring::format(segment, extent, std::process::id().into());
    Ok(Created { owned, ring, data, space, presence: Presence::new(file) })
}

fn lock(names: &Names, mode: u32) -> Result<Lock, ErrorKind> {
    let path = names.lock_path();
    let failed = |operation| {
        let path = path.clone();
        move |error| ErrorKind::from_io(error, operation, path)
    };
    let directory =
        open_lock_directory(&Names::lock_directory()).map_err(failed("open the lock directory"))?;
    let begin = Instant::now();
    loop {
        let file =
            open_lock_file(&directory, &names.lock_file(), mode).map_err(failed("open the lock file"))?;
        if sys::try_lock(&file).map_err(failed("lock the lock file"))? {
            // Its last owner removes it while holding the lock: what we have locked may be gone.
            if sys::is_at(&file, &path) {
                // Another user's file may be lent to us: then its mode is not ours to set.
                let _ = file.set_permissions(Permissions::from_mode(mode));
                return Ok(Lock { path, _file: file });
            }
            continue;
        }
        let pid = living_reader(names).ok().flatten();
        if pid.is_some() || begin.elapsed() >= LOCK_PATIENCE {
            return Err(ErrorKind::BufferInUse { pid: pid.unwrap_or(0) });
        }
        // There is no event for a lock that is given up.
        thread::sleep(Duration::from_millis(2));
    }
}

fn open_lock_directory(path: &Path) -> io::Result<File> {
    match fs::DirBuilder::new().recursive(true).mode(0o777).create(path.parent().unwrap_or(path)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
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
        // In two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its mode allows.
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

/// The reader that the segment of this name has, if it lives.
fn living_reader(names: &Names) -> io::Result<Option<u64>> {
    use std::os::unix::fs::FileExt;
    let opened =
        File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(names.segment());
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() < OIEB_SIZE {
        return Ok(None);
    }
    let mut pid = [0; 8];
    file.read_exact_at(&mut pid, READER_PID_OFFSET as u64)?;
    let pid = u64::from_le_bytes(pid);
    Ok(owner_lives(pid, made_at(&facts)).then_some(pid))
}

/// When a segment was made, at the latest, in seconds since the epoch.
pub(crate) fn made_at(facts: &fs::Metadata) -> f64 {
    let modified = facts.mtime() as f64 + facts.mtime_nsec() as f64 / 1e9;
    let changed = facts.ctime() as f64 + facts.ctime_nsec() as f64 / 1e9;
    modified.min(changed)
}

/// Removes segment and semaphores, whatever fails on the way; says what failed first.
fn remove_objects(names: &Names) -> io::Result<()> {
    let removals = [
        fs::remove_file(names.segment()),
        Semaphore::unlink(&names.data_semaphore()),
        Semaphore::unlink(&names.space_semaphore()),
    ];
    removals.into_iter().filter(|removal| !is_missing(removal)).collect()
}

fn is_missing(removal: &io::Result<()>) -> bool {
    matches!(removal, Err(error) if error.kind() == io::ErrorKind::NotFound)
}
