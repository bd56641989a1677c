//! What every implementation shares: the control block at offset 0, the frame header, the length of a name.

use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicU8};

/// Bytes of the control block.
pub const OIEB_SIZE: u64 = size_of::<ControlBlock>() as u64;
/// Bytes before the data of a frame.
pub const FRAME_HEADER_SIZE: u64 = size_of::<FrameHeader>() as u64;
/// The semaphore `sem-w-NAME` is a file `sem.sem-w-NAME`, and a file name has 255 bytes at most.
pub const LONGEST_NAME: usize = 255 - "sem.sem-w-".len();
/// Bytes of the length that stands before the metadata.
pub(crate) const METADATA_PREFIX: u64 = 8;
pub(crate) const VERSION_MAJOR: u8 = 1;
pub(crate) const ALIGNMENT: u64 = 64;

/// Each field has one writer, but for `payload_free_bytes`, which both sides change by atomic add and subtract.
#[repr(C)]
pub(crate) struct ControlBlock {
    pub oieb_size: AtomicU32,
    pub version: [AtomicU8; 4],
    pub metadata_size: AtomicU64,
    pub metadata_free_bytes: AtomicU64,
    pub metadata_written_bytes: AtomicU64,
    pub payload_size: AtomicU64,
    pub payload_free_bytes: AtomicU64,
    pub payload_write_pos: AtomicU64,
    pub payload_read_pos: AtomicU64,
    pub payload_written_count: AtomicU64,
    pub payload_read_count: AtomicU64,
    pub writer_pid: AtomicU64,
    pub reader_pid: AtomicU64,
    pub reserved: Reserved,
}

/// What our implementations keep in the bytes that the protocol reserves: `docs/stream.md` says what it means. Each has
/// one writer.
#[repr(C)]
pub(crate) struct Reserved {
    /// Bytes ever committed, tails included: the store of this word commits a frame.
    pub committed: AtomicU64,
    /// Bytes ever released, tails included; see `RELEASING`. 0 tells a reader of another implementation.
    pub released: AtomicU64,
    /// High half: number of the connection; low half: the writer's process, 0 once it has closed.
    pub connection: AtomicU64,
    /// `committed` when this writer connected.
    pub stream_start: AtomicU64,
}

/// Set in `released` while a release is under way.
pub(crate) const RELEASING: u64 = 1 << 63;

const _: () = assert!(OIEB_SIZE == 128 && FRAME_HEADER_SIZE == 16, "the protocol fixes both");
const _: () = assert!(cfg!(target_endian = "little"), "the layout is little-endian");

/// A field of a structure in shared memory, as this compiler has laid it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As the protocol calls it.
    pub name: &'static str,
    /// Bytes before it in the structure.
    pub offset: usize,
    /// Its bytes.
    pub size: usize,
}

/// A structure in shared memory, as this compiler has laid it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// As the contract of drivers calls it.
    pub name: &'static str,
    /// Its bytes.
    pub size: usize,
    /// In the order of the protocol.
    pub fields: Vec<Field>,
}

const fn size_behind<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! structure {
    ($name:literal $kind:ident $($field:ident)*) => {
        Structure {
            name: $name,
            size: size_of::<$kind>(),
            fields: vec![$(Field {
                name: stringify!($field),
                offset: offset_of!($kind, $field),
                size: size_behind(|whole: &$kind| &whole.$field),
            }),*],
        }
    };
}

/// The structures that every implementation sees alike: the control block and the header of a frame.
pub fn layout() -> [Structure; 2] {
    [
        structure!("oieb" ControlBlock
            oieb_size version metadata_size metadata_free_bytes metadata_written_bytes payload_size payload_free_bytes
            payload_write_pos payload_read_pos payload_written_count payload_read_count writer_pid reader_pid reserved),
        structure!("frame" FrameHeader size sequence),
    ]
}

/// What stands before the data of a frame; all zero it is a wrap marker.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub size: u64,
    pub sequence: u64,
}

impl FrameHeader {
    pub const WRAP: FrameHeader = FrameHeader { size: 0, sequence: 0 };

    pub fn from_bytes(bytes: [u8; FRAME_HEADER_SIZE as usize]) -> Self {
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Self { size: word(offset_of!(Self, size)), sequence: word(offset_of!(Self, sequence)) }
    }

    pub fn to_bytes(self) -> [u8; FRAME_HEADER_SIZE as usize] {
        let mut bytes = [0; FRAME_HEADER_SIZE as usize];
        let mut put = |at: usize, word: u64| bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        put(offset_of!(Self, size), self.size);
        put(offset_of!(Self, sequence), self.sequence);
        bytes
    }
}

/// How a reader creates its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferConfig {
    /// Bytes of the metadata block, of which 8 hold the length. 0 means no metadata.
    pub metadata_size: u64,
    /// Bytes of the ring. Twice the largest frame and its header is a good choice: then each fits at any position.
    pub payload_size: u64,
    /// Access rights of all four objects, set exactly: the umask plays no part.
    pub mode: u32,
}

impl Default for BufferConfig {
    fn default() -> Self {
        Self { metadata_size: 1024, payload_size: 10240, mode: 0o600 }
    }
}

/// Rounded sizes of a segment, or `None` where no such segment can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub metadata_size: u64,
    pub payload_size: u64,
}

impl Extent {
    pub fn of(config: &BufferConfig) -> Option<Self> {
        let round = |size: u64| size.checked_next_multiple_of(ALIGNMENT);
        let extent =
            Self { metadata_size: round(config.metadata_size)?, payload_size: round(config.payload_size)? };
        let whole = OIEB_SIZE.checked_add(extent.metadata_size)?.checked_add(extent.payload_size)?;
        (extent.payload_size > 0 && whole <= i64::MAX as u64).then_some(extent)
    }

    pub fn segment_size(&self) -> u64 {
        OIEB_SIZE + self.metadata_size + self.payload_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(metadata_size: u64, payload_size: u64) -> Option<(u64, u64)> {
        let config = BufferConfig { metadata_size, payload_size, ..Default::default() };
        Extent::of(&config).map(|extent| (extent.metadata_size, extent.payload_size))
    }

    #[test]
    fn sizes_are_rounded_up_to_64() {
        assert_eq!(extent(1, 100), Some((64, 128)));
        assert_eq!(extent(0, 64), Some((0, 64)));
        assert_eq!(extent(65, 1000), Some((128, 1024)));
    }

    #[test]
    fn sizes_that_no_segment_has_are_refused() {
        assert_eq!(extent(0, 0), None);
        assert_eq!(extent(0, u64::MAX), None);
        assert_eq!(extent(u64::MAX - 63, 64), None);
        assert_eq!(extent(1 << 62, 1 << 62), None);
    }

    #[test]
    fn the_structures_lie_as_the_protocol_says() {
        let [block, header] = layout();
        let offsets: Vec<_> = block.fields.iter().map(|field| field.offset).collect();
        assert_eq!(offsets, [0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96]);
        let sizes: Vec<_> = block.fields.iter().map(|field| field.size).collect();
        assert_eq!(sizes, [4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 32]);
        assert_eq!(
            header.fields,
            [Field { name: "size", offset: 0, size: 8 }, Field { name: "sequence", offset: 8, size: 8 }]
        );
        assert_eq!((block.name, block.size, header.name, header.size), ("oieb", 128, "frame", 16));
    }

    #[test]
    fn a_header_survives_the_way_through_bytes() {
        let header = FrameHeader { size: 0x0102_0304_0506_0708, sequence: 9 };
        assert_eq!(header.to_bytes()[..9], [8, 7, 6, 5, 4, 3, 2, 1, 9]);
        assert_eq!(FrameHeader::from_bytes(header.to_bytes()), header);
        assert_eq!(FrameHeader::from_bytes([0; 16]), FrameHeader::WRAP);
    }
}
