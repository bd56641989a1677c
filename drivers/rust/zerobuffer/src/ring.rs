//! The ring over a mapped segment: no waiting, no system call.
//!
//! Whatever stands in shared memory is untrusted: every value is loaded once, checked, and only then used. The sizes
//! are taken once, when the segment is attached.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::layout::{
    ControlBlock, Extent, FrameHeader, ALIGNMENT, FRAME_HEADER_SIZE, METADATA_PREFIX, OIEB_SIZE, RELEASING,
    VERSION_MAJOR,
};
use crate::memory::{Segment, View, Window};
use crate::plan::Plan;
use crate::points::{pass, Point};

pub(crate) fn load(field: &AtomicU64) -> u64 {
    field.load(Ordering::Acquire)
}

pub(crate) fn store(field: &AtomicU64, value: u64) {
    field.store(value, Ordering::Release);
}

/// A writer's process and the number of its connection, which another implementation does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub pid: u64,
    pub number: u64,
}

impl Connection {
    pub fn of((word, pid): (u64, u64)) -> Option<Self> {
        (pid != 0).then_some(Self { pid, number: word >> 32 })
    }

    /// Whether the writer is one of ours.
    pub fn is_ours((word, pid): (u64, u64)) -> bool {
        word & u64::from(u32::MAX) == pid
    }
}

/// A segment whose control block has been checked.
pub(crate) struct Ring {
    segment: Arc<Segment>,
    extent: Extent,
}

/// A frame that stands in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where its data stands in the payload block.
    pub data_at: u64,
    pub size: u64,
    pub sequence: u64,
    /// Bytes of tail that were passed on the way.
    pub wrapped: u64,
    /// By how much `payload_read_count` goes up.
    pub counted: u64,
    pub next_pos: u64,
}

impl Found {
    pub fn total(&self) -> u64 {
        FRAME_HEADER_SIZE + self.size
    }

    pub fn passed(&self) -> u64 {
        self.wrapped + self.total()
    }
}

impl Ring {
    /// Writes a fresh control block into memory that is all zero. Its head comes first: it tells a creation that is
    /// broken off from another program's memory. `reader_pid` comes last: it makes the buffer exist.
    pub fn format(segment: Segment, extent: Extent, reader_pid: u64) -> Self {
        let block = segment.control();
        segment.put_head(u64::from(VERSION_MAJOR) << 32 | OIEB_SIZE);
        store(&block.metadata_size, extent.metadata_size);
        store(&block.metadata_free_bytes, extent.metadata_size);
        store(&block.payload_size, extent.payload_size);
        store(&block.payload_free_bytes, extent.payload_size);
        store(&block.reserved.committed, extent.payload_size);
        store(&block.reserved.released, extent.payload_size);
        pass(Point::ReaderFormatted);
        store(&block.reader_pid, reader_pid);
        Self { segment: Arc::new(segment), extent }
    }

    /// Checks the control block that somebody else has written against the true length of the segment.
    pub fn attach(segment: Segment) -> Result<Self, ErrorKind> {
        let block = segment.control();
        let oieb_size = block.oieb_size.load(Ordering::Relaxed).into();
        if oieb_size != OIEB_SIZE {
            return Err(ErrorKind::invalid("oieb_size", oieb_size, OIEB_SIZE));
        }
        let major = block.version[0].load(Ordering::Relaxed);
        if major != VERSION_MAJOR {
            return Err(ErrorKind::VersionMismatch { value: major.into() });
        }
        let room = segment.length() - OIEB_SIZE;
        let extent =
            Extent { metadata_size: load(&block.metadata_size), payload_size: load(&block.payload_size) };
        if extent.metadata_size > room || extent.metadata_size % ALIGNMENT != 0 {
            return Err(ErrorKind::invalid("metadata_size", extent.metadata_size, room));
        }
        let payload_room = room - extent.metadata_size;
        let payload_size = extent.payload_size;
        if payload_size == 0 || payload_size != payload_room || payload_size % ALIGNMENT != 0 {
            return Err(ErrorKind::invalid("payload_size", payload_size, payload_room));
        }
        let ring = Self { segment: Arc::new(segment), extent };
        ring.writer_state()?;
        ring.position("payload_read_pos", &ring.block().payload_read_pos)?;
        Ok(ring)
    }

    pub fn block(&self) -> &ControlBlock {
        self.segment.control()
    }

    pub fn payload_size(&self) -> u64 {
        self.extent.payload_size
    }

    fn payload_at(&self) -> u64 {
        OIEB_SIZE + self.extent.metadata_size
    }

    fn position(&self, field: &'static str, value: &AtomicU64) -> Result<u64, ErrorKind> {
        let (value, limit) = (load(value), self.payload_size());
        match value.cmp(&limit) {
            std::cmp::Ordering::Less => Ok(value),
            // After an exact fit one peer leaves the end here, where another leaves the start.
            std::cmp::Ordering::Equal => Ok(0),
            std::cmp::Ordering::Greater => Err(ErrorKind::invalid(field, value, limit)),
        }
    }

    /// Where the writer stands, and how much is free.
    pub fn writer_state(&self) -> Result<(u64, u64), ErrorKind> {
        let position = self.position("payload_write_pos", &self.block().payload_write_pos)?;
        let (value, limit) = (load(&self.block().payload_free_bytes), self.payload_size());
        if value > limit {
            return Err(ErrorKind::invalid("payload_free_bytes", value, limit));
        }
        Ok((position, value))
    }

    // ---- connections

    /// The words `connection` and `writer_pid`, loaded in this order: so an announcement that was taken back is not
    /// found with the pid of a later one.
    pub fn standing(&self) -> (u64, u64) {
        let word = load(&self.block().reserved.connection);
        (word, load(&self.block().writer_pid))
    }

    /// The writer's connection; `None` while there is no writer.
    pub fn connection(&self) -> Option<Connection> {
        Connection::of(self.standing())
    }

    /// Changes the pid of the writer, unless it has changed already.
    pub fn pass_claim(&self, from: u64, to: u64) -> bool {
        self.block().writer_pid.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Gives up the claim, then the announcement: no pid of ours stands in `writer_pid` without being known as ours.
    pub fn leave(&self, pid: u64) {
        if self.pass_claim(pid, 0) {
            self.disclaim(self.number());
        }
    }

    /// Whether the writer of this number is one of ours.
    pub fn is_ours(&self, pid: u64) -> bool {
        Connection::is_ours((load(&self.block().reserved.connection), pid))
    }

    pub fn reader_is_ours(&self) -> bool {
        load(&self.block().reserved.released) != 0
    }

    /// Says where the stream of a new writer begins, and that the writer is one of ours.
    pub fn begin_stream(&self, committed: u64, pid: u64) {
        let block = self.block();
        let number = self.number() + 1;
        store(&block.reserved.committed, committed);
        store(&block.reserved.stream_start, committed);
        store(&block.reserved.connection, number << 32 | pid);
    }

    /// Says that the writer of the connection of this number is none of ours.
    pub fn disclaim(&self, number: u64) {
        store(&self.block().reserved.connection, number << 32);
    }

    pub fn number(&self) -> u64 {
        load(&self.block().reserved.connection) >> 32
    }

    // ---- writing

    /// Free bytes for a writer that knows what was committed.
    pub fn free_behind(&self, committed: u64) -> Result<u64, ErrorKind> {
        let value = load(&self.block().reserved.released) & !RELEASING;
        let free = self.payload_size().checked_sub(committed.wrapping_sub(value));
        free.ok_or(ErrorKind::invalid("released", value, committed))
    }

    /// The place of a planned frame, header included.
    pub fn window(&self, plan: &Plan) -> Result<Window, ErrorKind> {
        self.open_window(self.payload_at() + plan.at, plan.total)
    }

    fn open_window(&self, offset: u64, length: u64) -> Result<Window, ErrorKind> {
        let busy = ErrorKind::Busy { reason: "an acquired frame is neither committed nor abandoned" };
        Window::open(&self.segment, offset, length).ok_or(busy)
    }

    /// Makes a frame whose data stands in its window part of the ring. The caller then posts "data".
    ///
    /// The store of `committed` is the commit. A plain writer has none: it is understood by what comes before.
    pub fn publish(&self, plan: &Plan, mut window: Window, sequence: u64, committed: Option<u64>) {
        let header = FrameHeader { size: plan.total - FRAME_HEADER_SIZE, sequence };
        window[..FRAME_HEADER_SIZE as usize].copy_from_slice(&header.to_bytes());
        if let Some(marker) = plan.marker {
            window.put_header_elsewhere(self.payload_at() + marker, FrameHeader::WRAP);
        }
        drop(window);
        pass(Point::WriterHeader);
        let block = self.block();
        pass(Point::WriterIntent);
        block.payload_free_bytes.fetch_sub(plan.need(), Ordering::AcqRel);
        pass(Point::WriterFree);
        store(&block.payload_write_pos, plan.end(self.payload_size()));
        pass(Point::WriterPosition);
        let count = &block.payload_written_count;
        store(count, load(count).wrapping_add(plan.counted()));
        pass(Point::WriterCount);
        if let Some(committed) = committed {
            store(&block.reserved.committed, committed);
        }
        pass(Point::WriterCommit);
    }

    pub fn write_metadata(&self, content: &[u8]) -> Result<(), ErrorKind> {
        let size = content.len() as u64;
        if content.is_empty() {
            return Err(ErrorKind::MetadataEmpty);
        }
        let limit = self.extent.metadata_size.saturating_sub(METADATA_PREFIX);
        if size > limit {
            return Err(ErrorKind::MetadataTooLarge { size, limit });
        }
        if load(&self.block().metadata_written_bytes) != 0 {
            return Err(ErrorKind::MetadataExists);
        }
        let written = METADATA_PREFIX + size;
        let mut window = self.open_window(OIEB_SIZE, written)?;
        let (prefix, data) = window.split_at_mut(METADATA_PREFIX as usize);
        prefix.copy_from_slice(&size.to_le_bytes());
        data.copy_from_slice(content);
        drop(window);
        pass(Point::WriterMetadata);
        store(&self.block().metadata_free_bytes, self.extent.metadata_size - written);
        // Release: a reader that sees a length sees the content.
        store(&self.block().metadata_written_bytes, written);
        Ok(())
    }

    // ---- reading

    /// Finds the next frame from a position; changes nothing.
    pub fn look(&self, position: u64) -> Result<Found, ErrorKind> {
        let (mut position, mut wrapped, mut counted) = (position, 0, 1);
        loop {
            let tail = self.payload_size() - position;
            // At the start there is neither a tail nor a marker, so that this ends.
            let header = if tail < FRAME_HEADER_SIZE {
                FrameHeader::WRAP
            } else {
                self.segment.header(self.payload_at() + position)
            };
            if header == FrameHeader::WRAP && position > 0 {
                wrapped = tail;
                counted += u64::from(tail >= FRAME_HEADER_SIZE);
                position = 0;
                continue;
            }
            let limit = tail.saturating_sub(FRAME_HEADER_SIZE);
            if header.size == 0 || header.size > limit {
                return Err(ErrorKind::InvalidFrameSize { field: "frame header", value: header.size, limit });
            }
            let data_at = position + FRAME_HEADER_SIZE;
            return Ok(Found {
                data_at,
                size: header.size,
                sequence: header.sequence,
                wrapped,
                counted,
                next_pos: (data_at + header.size) % self.payload_size(),
            });
        }
    }

    /// Whether a writer of ours has committed more than was read.
    pub fn is_committed_behind(&self, read: u64) -> bool {
        (1..=self.payload_size()).contains(&load(&self.block().reserved.committed).wrapping_sub(read))
    }

    pub fn view(&self, found: &Found) -> View {
        View::new(&self.segment, self.payload_at() + found.data_at, found.size)
    }

    pub fn advance(&self, found: &Found) {
        store(&self.block().payload_read_pos, found.next_pos);
        pass(Point::ReaderPosition);
        let count = &self.block().payload_read_count;
        store(count, load(count).wrapping_add(found.counted));
        pass(Point::ReaderCount);
    }

    /// Gives space back to the writer. Release order: our last look at those bytes comes before their next use.
    pub fn release(&self, bytes: u64) {
        let released = &self.block().reserved.released;
        let before = load(released);
        store(released, before | RELEASING);
        self.block().payload_free_bytes.fetch_add(bytes, Ordering::AcqRel);
        pass(Point::ReaderFree);
        store(released, before + bytes);
    }

    /// Brings the fields to where they are when all is read: nobody writes, and nothing is released meanwhile.
    pub fn settle(&self, read: u64) {
        let block = self.block();
        let held = read.wrapping_sub(load(&block.reserved.released));
        store(&block.reserved.committed, read);
        store(&block.payload_write_pos, read % self.payload_size());
        store(&block.payload_free_bytes, self.payload_size().wrapping_sub(held));
        store(&block.payload_written_count, load(&block.payload_read_count));
    }

    pub fn metadata(&self) -> Result<Vec<u8>, ErrorKind> {
        let written = load(&self.block().metadata_written_bytes);
        if written == 0 {
            return Err(ErrorKind::NoMetadata);
        }
        let limit = self.extent.metadata_size;
        if written <= METADATA_PREFIX || written > limit {
            return Err(ErrorKind::invalid("metadata_written_bytes", written, limit));
        }
        let block = View::new(&self.segment, OIEB_SIZE, written).to_vec();
        let (prefix, content) = block.split_at(METADATA_PREFIX as usize);
        let value = u64::from_le_bytes(prefix.try_into().expect("eight bytes"));
        let limit = written - METADATA_PREFIX;
        if value != limit {
            return Err(ErrorKind::invalid("metadata length", value, limit));
        }
        Ok(content.to_vec())
    }
}
