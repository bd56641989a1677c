//! Named points inside an operation at which a test of faults may have this process die or halt.
//!
//! Only with the feature `points`; without it a passage is nothing at all.

macro_rules! points {
    ($($point:ident $name:literal)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Point { $($point),* }

        #[cfg(feature = "points")]
        const NAMED: &[(Point, &str)] = &[$((Point::$point, $name)),*];
    };
}

// The names are those of the Python library.
points! {
    WriterOpened "writer.opened"
    WriterAnnounced "writer.announced"
    WriterPlanned "writer.planned"
    WriterData "writer.data"
    WriterHeader "writer.header"
    WriterIntent "writer.intent"
    WriterFree "writer.free"
    WriterPosition "writer.position"
    WriterCount "writer.count"
    WriterCommit "writer.commit"
    WriterPost "writer.post"
    WriterDone "writer.done"
    WriterMetadata "writer.metadata"
    ReaderFormatted "reader.formatted"
    ReaderToken "reader.token"
    ReaderWrap "reader.wrap"
    ReaderPosition "reader.position"
    ReaderCount "reader.count"
    ReaderFree "reader.free"
    ReaderSpace "reader.space"
    ReaderDeath "reader.death"
}

#[cfg(not(feature = "points"))]
pub(crate) fn pass(_: Point) {}

#[cfg(feature = "points")]
pub(crate) use armed::pass;
#[cfg(feature = "points")]
pub use armed::{arm, Deed};

#[cfg(feature = "points")]
mod armed {
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    use super::{Point, NAMED};
    use crate::sys;

    /// Index into `NAMED`, plus one; 0 while nothing is armed.
    static ARMED: AtomicUsize = AtomicUsize::new(0);
    static PASSAGES: AtomicU64 = AtomicU64::new(0);
    static HALTS: AtomicBool = AtomicBool::new(false);

    /// What the process does to itself at a point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Deed {
        /// Ends by SIGKILL.
        Die,
        /// Stops by SIGSTOP; the operation goes on after SIGCONT.
        Halt,
    }

    /// Has this process die or halt when it passes a point for the `passage`-th time, and never again; `false` if there
    /// is no such point.
    pub fn arm(name: &str, passage: u64, deed: Deed) -> bool {
        let index = NAMED.iter().position(|(_, known)| *known == name);
        PASSAGES.store(passage.max(1), Ordering::SeqCst);
        HALTS.store(deed == Deed::Halt, Ordering::SeqCst);
        ARMED.store(index.map_or(0, |index| index + 1), Ordering::SeqCst);
        index.is_some()
    }

    pub(crate) fn pass(point: Point) {
        let armed = ARMED.load(Ordering::Relaxed);
        if armed != 0 && NAMED[armed - 1].0 == point && PASSAGES.fetch_sub(1, Ordering::SeqCst) == 1 {
            ARMED.store(0, Ordering::SeqCst);
            if HALTS.load(Ordering::SeqCst) {
                sys::halt_this_process();
            } else {
                sys::kill_this_process();
            }
        }
    }
}
