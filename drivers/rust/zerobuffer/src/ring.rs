//! The ring over a mapped segment: no waiting, no system call.
//!
//! Whatever stands in shared memory is untrusted: every value is loaded once, checked, and only then used. The sizes
//! are taken once, when the segment is attached.

use std::sync::atomic::{fence, AtomicU64, Ordering};
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::layout::{
    ControlBlock, Extent, FrameHeader, FRAME_HEADER_SIZE, METADATA_PREFIX, OIEB_SIZE, VERSION_MAJOR,
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

// Where in the reserved bytes a commit announces itself: the bytes that it takes (0: there is none), where the writer
// stood, and what `payload_written_count` will be.
const INTENT_BYTES: usize = 0;
const INTENT_OLD_POS: usize = 1;
const INTENT_COUNT: usize = 2;

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
}

impl Ring {
    /// Writes a fresh control block into memory that is all zero. `reader_pid` comes last: it makes the buffer exist.
    pub fn format(segment: Segment, extent: Extent, reader_pid: u64) -> Self {
        let block = segment.control();
        block.version[0].store(VERSION_MAJOR, Ordering::Relaxed);
        store(&block.metadata_size, extent.metadata_size);
        store(&block.metadata_free_bytes, extent.metadata_size);
        store(&block.payload_size, extent.payload_size);
        store(&block.payload_free_bytes, extent.payload_size);
        block.oieb_size.store(OIEB_SIZE as u32, Ordering::Release);
        store(&block.reader_pid, reader_pid);
        Self { segment: Arc::new(segment), extent }
    }

    /// Checks the control block that somebody else has written against the true length of the segment.
    pub fn attach(segment: Segment) -> Result<Self, ErrorKind> {
        let invalid = |field, value, limit| ErrorKind::InvalidOieb { field, value, limit };
        let block = segment.control();
        let oieb_size = block.oieb_size.load(Ordering::Acquire).into();
        if oieb_size != OIEB_SIZE {
            return Err(invalid("oieb_size", oieb_size, OIEB_SIZE));
        }
        let major = block.version[0].load(Ordering::Relaxed);
        if major != VERSION_MAJOR {
            return Err(ErrorKind::VersionMismatch { major });
        }
        let room = segment.length() - OIEB_SIZE;
        let extent =
            Extent { metadata_size: load(&block.metadata_size), payload_size: load(&block.payload_size) };
        if extent.metadata_size > room || !extent.metadata_is_aligned() {
            return Err(invalid("metadata_size", extent.metadata_size, room));
        }
        let payload_room = room - extent.metadata_size;
        if extent.payload_size == 0 || extent.payload_size != payload_room || !extent.payload_is_aligned() {
            return Err(invalid("payload_size", extent.payload_size, payload_room));
        }
        let ring = Self { segment: Arc::new(segment), extent };
        ring.writer_state()?;
        ring.read_pos()?;
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
            std::cmp::Ordering::Greater => Err(ErrorKind::InvalidOieb { field, value, limit }),
        }
    }

    pub fn read_pos(&self) -> Result<u64, ErrorKind> {
        self.position("payload_read_pos", &self.block().payload_read_pos)
    }

    /// Where the writer stands, and how much is free.
    pub fn writer_state(&self) -> Result<(u64, u64), ErrorKind> {
        let position = self.position("payload_write_pos", &self.block().payload_write_pos)?;
        let (value, limit) = (load(&self.block().payload_free_bytes), self.payload_size());
        if value > limit {
            return Err(ErrorKind::InvalidOieb { field: "payload_free_bytes", value, limit });
        }
        Ok((position, value))
    }

    // ---- writing

    /// Lends the place of a planned frame, header included; `None` while another one is lent.
    pub fn lend(&self, plan: &Plan) -> Option<Window> {
        Window::lend(&self.segment, self.payload_at() + plan.at, plan.total)
    }

    /// Makes a frame whose data stands in its window part of the ring. The caller then posts "data".
    ///
    /// It announces itself in the reserved bytes while it lasts, as in the other implementations. What a writer leaves
    /// that is killed in the middle is finished by the next one, or rolled back by the reader.
    pub fn publish(&self, plan: &Plan, mut window: Window, sequence: u64) -> Result<(), ErrorKind> {
        let header = FrameHeader { size: plan.total - FRAME_HEADER_SIZE, sequence };
        window.part(0..FRAME_HEADER_SIZE as usize).copy_from_slice(&header.to_bytes());
        if let Some(marker) = plan.marker {
            window.put_header_elsewhere(self.payload_at() + marker, FrameHeader::WRAP);
        }
        drop(window);
        pass(Point::WriterHeader);
        let (block, limit) = (self.block(), self.payload_size());
        let count = load(&block.payload_written_count).wrapping_add(plan.counted());
        store(&block.reserved[INTENT_OLD_POS], plan.start(limit));
        store(&block.reserved[INTENT_COUNT], count);
        // Last: it makes the other two valid.
        store(&block.reserved[INTENT_BYTES], plan.need());
        pass(Point::WriterIntent);
        store(&block.payload_write_pos, plan.end(limit));
        pass(Point::WriterPosition);
        let free = block.payload_free_bytes.fetch_sub(plan.need(), Ordering::AcqRel);
        pass(Point::WriterFree);
        store(&block.payload_written_count, count);
        pass(Point::WriterCount);
        self.clear_reserved();
        // The reader looks at nothing before it has a token; the post must not overtake what it stands for.
        fence(Ordering::Release);
        if free > limit || free < plan.need() {
            return Err(ErrorKind::InvalidOieb { field: "payload_free_bytes", value: free, limit });
        }
        Ok(())
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
        let busy = ErrorKind::Busy { reason: "an acquired frame is neither committed nor abandoned" };
        let mut window = Window::lend(&self.segment, OIEB_SIZE, written).ok_or(busy)?;
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

    /// Brings the fields to where the commit of a dead writer would have brought them, if it had moved.
    ///
    /// Whether it had taken the bytes already cannot be told, as the reader may hold frames: so they are taken, once more
    /// perhaps. Room may be lost, what is not read is never overwritten.
    pub fn finish_commit(&self) {
        let block = self.block();
        let [bytes, old_pos, count] =
            [INTENT_BYTES, INTENT_OLD_POS, INTENT_COUNT].map(|index| load(&block.reserved[index]));
        let Ok((write_pos, free)) = self.writer_state() else { return };
        let moved = write_pos != old_pos || (bytes == self.payload_size() && free == 0);
        let begun = (1..=self.payload_size()).contains(&bytes) && load(&block.payload_written_count) != count;
        if moved && begun {
            if free >= bytes {
                block.payload_free_bytes.fetch_sub(bytes, Ordering::AcqRel);
            }
            store(&block.payload_written_count, count);
        }
    }

    /// Takes over from a writer that died, whose claim is now ours: says how many posts of "data" it still owes, given
    /// how many tokens are `pending`.
    pub fn owed_by_dead_writer(&self, pending: u64) -> u64 {
        let Ok((write_pos, free)) = self.writer_state() else { return 0 };
        let Ok(read_pos) = self.read_pos() else { return 0 };
        let block = self.block();
        // All read, and perhaps held; unless one frame fills the whole ring and was never posted.
        let counted = load(&block.payload_written_count) != load(&block.payload_read_count);
        if write_pos == read_pos && free == 0 && counted {
            return u64::from(pending == 0);
        }
        let unread = (write_pos + self.payload_size() - read_pos) % self.payload_size();
        // A writer of another implementation may have announced nothing: what stands unread cannot be free.
        let most = self.payload_size() - unread;
        if free > most {
            self.block().payload_free_bytes.fetch_sub(free - most, Ordering::AcqRel);
        }
        self.frames_between(read_pos, write_pos).unwrap_or(pending).saturating_sub(pending)
    }

    fn frames_between(&self, read_pos: u64, write_pos: u64) -> Option<u64> {
        let (mut position, mut frames) = (read_pos, 0);
        while position != write_pos {
            position = self.look(position).ok()?.next_pos;
            frames += 1;
            if frames > self.payload_size() / FRAME_HEADER_SIZE {
                return None;
            }
        }
        Some(frames)
    }

    /// Zeroes what the reserved bytes say about a commit that is over.
    pub fn clear_reserved(&self) {
        self.block().reserved.iter().for_each(|field| store(field, 0));
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

    /// Whether no frame stands at the reader's position.
    pub fn is_drained(&self, position: u64) -> bool {
        let block = self.block();
        let all_read = || load(&block.payload_written_count) == load(&block.payload_read_count);
        // A full ring ends where it begins, too: there nothing is free, and more was written than read.
        matches!(self.writer_state(), Ok((end, free)) if end == position && (free != 0 || all_read()))
    }

    /// Whether a series that begins anew stands among the next `pending` frames.
    pub fn restarts_ahead(&self, position: u64, pending: u64) -> bool {
        let Ok((write_pos, _)) = self.writer_state() else { return false };
        let mut position = position;
        for _ in 0..pending.min(self.payload_size() / FRAME_HEADER_SIZE) {
            // Tokens that stand for no frame lead no further than where the writer stands.
            if position == write_pos {
                return false;
            }
            match self.look(position) {
                Ok(found) if found.sequence == 1 => return true,
                Ok(found) => position = found.next_pos,
                Err(_) => return false,
            }
        }
        false
    }

    pub fn view(&self, found: &Found) -> View {
        View::new(&self.segment, self.payload_at() + found.data_at, found.size)
    }

    /// Moves the reader behind a frame.
    pub fn advance(&self, found: &Found) {
        store(&self.block().payload_read_pos, found.next_pos);
        pass(Point::ReaderPosition);
        let count = &self.block().payload_read_count;
        store(count, load(count).wrapping_add(found.counted));
        pass(Point::ReaderCount);
    }

    /// Gives space back to the writer. Release: our last look at those bytes comes before their next use.
    pub fn free(&self, bytes: u64) {
        self.block().payload_free_bytes.fetch_add(bytes, Ordering::AcqRel);
        pass(Point::ReaderFree);
    }

    /// Takes back what a dead writer has begun: all its tokens are used and its claim is ours, so nothing that stands
    /// before us was committed. `held` bytes are read and not released.
    pub fn roll_back(&self, held: u64) {
        let Ok(read_pos) = self.read_pos() else { return };
        let Some(free) = self.payload_size().checked_sub(held) else { return };
        let block = self.block();
        if !matches!(self.writer_state(), Ok(state) if state == (read_pos, free)) {
            store(&block.payload_write_pos, read_pos);
            store(&block.payload_free_bytes, free);
            store(&block.payload_written_count, load(&block.payload_read_count));
        }
        self.clear_reserved();
    }

    pub fn metadata(&self) -> Result<Vec<u8>, ErrorKind> {
        let written = load(&self.block().metadata_written_bytes);
        if written == 0 {
            return Err(ErrorKind::NoMetadata);
        }
        let limit = self.extent.metadata_size;
        if written <= METADATA_PREFIX || written > limit {
            return Err(ErrorKind::InvalidOieb { field: "metadata_written_bytes", value: written, limit });
        }
        let block = View::new(&self.segment, OIEB_SIZE, written).to_vec();
        let (prefix, content) = block.split_at(METADATA_PREFIX as usize);
        let value = u64::from_le_bytes(prefix.try_into().expect("eight bytes"));
        let limit = written - METADATA_PREFIX;
        if value != limit {
            return Err(ErrorKind::InvalidOieb { field: "metadata length prefix", value, limit });
        }
        Ok(content.to_vec())
    }
}
