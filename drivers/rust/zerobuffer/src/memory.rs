//! A mapped segment, and views of its bytes.
//!
//! The only file in which shared memory is touched through pointers. What makes it sound:
//!
//! - Offsets are checked against the length of the mapping, whatever the caller has read from the segment.
//! - The control block consists of atomics only.
//! - A segment that is open for writing has at most one [`Window`] at a time, and only windows write; one that is open
//!   for reading is mapped without the right to write, so that a frame is unchangeable for this whole process.
//! - The other process writes only where the protocol lets it: not into what a view covers. A process that breaks the
//!   protocol can change bytes while they are read; they are plain bytes of which every value is valid, and nothing
//!   here draws a conclusion from reading one twice.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use crate::layout::{ControlBlock, FrameHeader, FRAME_HEADER_SIZE, OIEB_SIZE};
use crate::sys::{Access, Mapping};

/// A segment, mapped twice: the control block for both sides to change, the whole as this side may use it.
pub(crate) struct Segment {
    control: Mapping,
    body: Mapping,
    access: Access,
    has_window: AtomicBool,
}

impl Segment {
    /// Maps the first `length` bytes of a file, at least the control block.
    pub fn map(file: &File, length: u64, access: Access) -> io::Result<Self> {
        let too_large = |_| io::Error::from_raw_os_error(libc::ENOMEM);
        let length = usize::try_from(length.max(OIEB_SIZE)).map_err(too_large)?;
        let control = Mapping::new(file, OIEB_SIZE as usize, Access::ReadWrite)?;
        let body = Mapping::new(file, length, access)?;
        Ok(Self { control, body, access, has_window: AtomicBool::new(false) })
    }

    pub fn length(&self) -> u64 {
        self.body.length as u64
    }

    pub fn control(&self) -> &ControlBlock {
        // SAFETY: the mapping has the size of the block, is page-aligned, lives as long as `self`, and every bit
        // pattern is a value of a block of atomics.
        unsafe { self.control.start.cast::<ControlBlock>().as_ref() }
    }

    /// Writes size and version of the control block in one store.
    pub fn put_head(&self, head: u64) {
        // SAFETY: as above; the block begins with eight bytes that are aligned as a word is.
        let place = unsafe { self.control.start.cast::<AtomicU64>().as_ref() };
        place.store(head, Ordering::Release);
    }

    /// Copies the header that stands at an offset.
    pub fn header(&self, offset: u64) -> FrameHeader {
        let place = self.place(offset, FRAME_HEADER_SIZE).cast::<[u8; FRAME_HEADER_SIZE as usize]>();
        // SAFETY: `place` was checked against the mapping, and bytes have no alignment. Volatile: whatever happens to
        // the memory meanwhile, these bytes are read once.
        FrameHeader::from_bytes(unsafe { place.read_volatile() })
    }

    /// The address of `length` bytes. Panics if they are not inside the mapping: the ring checks before it asks.
    fn place(&self, offset: u64, length: u64) -> NonNull<u8> {
        let end = offset.checked_add(length).filter(|&end| end <= self.length());
        assert!(end.is_some(), "{length} bytes at {offset} are outside a segment of {} bytes", self.length());
        // SAFETY: the offset is inside the mapping, and so fits a usize.
        unsafe { self.body.start.add(offset as usize) }
    }
}

/// Bytes of a segment to look at. Keeps the mapping alive.
pub(crate) struct View {
    segment: Arc<Segment>,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a view is a shared reference to bytes of a mapping that it keeps alive.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    pub fn new(segment: &Arc<Segment>, offset: u64, length: u64) -> Self {
        let start = segment.place(offset, length);
        Self { segment: Arc::clone(segment), start, length: length as usize }
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: checked against the mapping when made, and the mapping is kept alive by `segment`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

/// Bytes of a segment to write, the only ones at this time. Keeps the mapping alive.
pub(crate) struct Window {
    view: View,
}

impl Window {
    /// `None` while there is another one, or if the segment is not open for writing.
    pub fn open(segment: &Arc<Segment>, offset: u64, length: u64) -> Option<Self> {
        if segment.access != Access::ReadWrite || segment.has_window.swap(true, Ordering::Acquire) {
            return None;
        }
        // A panic in here would leave the flag set: nothing could be written any more, which is safe.
        Some(Self { view: View::new(segment, offset, length) })
    }

    /// Writes a header at another place of the segment, which must not touch these bytes.
    pub fn put_header_elsewhere(&mut self, offset: u64, header: FrameHeader) {
        let place = self.view.segment.place(offset, FRAME_HEADER_SIZE);
        // SAFETY: checked against the mapping, which is writable; no other window exists, and bytes have no alignment.
        unsafe { place.cast::<[u8; FRAME_HEADER_SIZE as usize]>().write_volatile(header.to_bytes()) };
    }
}

impl Deref for Window {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.view
    }
}

impl DerefMut for Window {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for the view; the mapping is writable and this is the only window on it.
        unsafe { std::slice::from_raw_parts_mut(self.view.start.as_ptr(), self.view.length) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.view.segment.has_window.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(access: Access) -> Arc<Segment> {
        let test = std::thread::current().id();
        let path = std::env::temp_dir().join(format!("zb-rust-memory-{}-{test:?}", std::process::id()));
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
        std::fs::remove_file(&path).expect("its removal");
        file.set_len(256).expect("its length");
        Arc::new(Segment::map(&file, 256, access).expect("a mapping"))
    }

    #[test]
    fn one_window_at_a_time() {
        let segment = segment(Access::ReadWrite);
        let mut window = Window::open(&segment, 128, 32).expect("the first");
        assert!(Window::open(&segment, 160, 1).is_none());
        window[..4].copy_from_slice(&[1, 2, 3, 4]);
        window.put_header_elsewhere(200, FrameHeader { size: 7, sequence: 8 });
        drop(window);
        assert_eq!(View::new(&segment, 128, 4)[..], [1, 2, 3, 4]);
        assert_eq!(segment.header(200), FrameHeader { size: 7, sequence: 8 });
        assert!(Window::open(&segment, 160, 1).is_some());
    }

    #[test]
    fn nothing_is_written_through_a_segment_that_is_open_for_reading() {
        assert!(Window::open(&segment(Access::ReadOnly), 128, 1).is_none());
    }

    #[test]
    #[should_panic(expected = "outside a segment of 256 bytes")]
    fn a_place_outside_is_refused() {
        View::new(&segment(Access::ReadOnly), 255, 2);
    }

    #[test]
    #[should_panic(expected = "outside a segment of 256 bytes")]
    fn a_length_that_overflows_is_refused() {
        View::new(&segment(Access::ReadOnly), 16, u64::MAX);
    }
}
