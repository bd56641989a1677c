//! What can go wrong, with the canonical code that all implementations share.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A cause and the buffer concerned.
#[derive(Debug)]
pub struct Error {
    buffer: String,
    kind: ErrorKind,
}

/// A value that is involved in an error.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Number(u64),
    Text(String),
}

/// Every cause of an error.
#[derive(Debug)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ErrorKind {
    InvalidName { reason: String },
    InvalidConfig,
    BufferInUse { pid: u64 },
    NotFound,
    PermissionDenied { path: PathBuf },
    OtherOwner { user: u64 },
    InvalidOieb { field: &'static str, value: u64, limit: u64 },
    VersionMismatch { major: u8 },
    WriterExists { pid: u64 },
    ReaderDead { reason: &'static str, pid: u64 },
    WriterDead { reason: &'static str, pid: u64 },
    Timeout { seconds: f64 },
    BufferFull { size: u64, needed: u64, free: u64, seconds: f64 },
    FrameTooLarge { size: u64, largest: u64, always_fits: u64 },
    FrameUnwritable { size: u64, fits_now: u64, always_fits: u64 },
    InvalidFrameSize { field: &'static str, value: u64, limit: u64 },
    Sequence { expected: u64, seen: u64 },
    MetadataTooLarge { size: u64, limit: u64 },
    MetadataExists,
    MetadataEmpty,
    NoMetadata,
    Closed { what: &'static str },
    ResourceExhausted { operation: &'static str, source: io::Error },
    System { operation: &'static str, source: io::Error },
    Busy { reason: &'static str },
    Handler { request: u64, reason: String },
}

impl ErrorKind {
    /// Names the cause of what the system refused.
    pub(crate) fn from_io(source: io::Error, operation: &'static str, path: impl Into<PathBuf>) -> Self {
        match source.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => Self::PermissionDenied { path: path.into() },
            Some(libc::ENOSPC | libc::EFBIG | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::EDQUOT) => {
                Self::ResourceExhausted { operation, source }
            }
            _ => Self::System { operation, source },
        }
    }
}

impl Error {
    pub(crate) fn new(buffer: &str, kind: ErrorKind) -> Self {
        Self { buffer: buffer.to_owned(), kind }
    }

    /// The buffer concerned.
    pub fn buffer(&self) -> &str {
        &self.buffer
    }

    /// The cause.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The stable name of the cause.
    pub fn code(&self) -> &'static str {
        use ErrorKind as Kind;
        match self.kind {
            Kind::InvalidName { .. } => "invalid_name",
            Kind::BufferInUse { .. } => "buffer_in_use",
            Kind::NotFound => "not_found",
            Kind::PermissionDenied { .. } | Kind::OtherOwner { .. } => "permission_denied",
            Kind::InvalidOieb { .. } => "invalid_oieb",
            Kind::VersionMismatch { .. } => "version_mismatch",
            Kind::WriterExists { .. } => "writer_exists",
            Kind::ReaderDead { .. } => "reader_dead",
            Kind::WriterDead { .. } => "writer_dead",
            Kind::Timeout { .. } => "timeout",
            Kind::BufferFull { .. } => "buffer_full",
            Kind::FrameTooLarge { .. } => "frame_too_large",
            Kind::FrameUnwritable { .. } => "frame_unwritable",
            Kind::InvalidFrameSize { .. } => "invalid_frame_size",
            Kind::Sequence { .. } => "sequence_error",
            Kind::MetadataTooLarge { .. } => "metadata_too_large",
            Kind::MetadataExists => "metadata_exists",
            Kind::MetadataEmpty => "metadata_empty",
            Kind::NoMetadata => "no_metadata",
            Kind::Closed { .. } => "closed",
            Kind::ResourceExhausted { .. } => "resource_exhausted",
            Kind::System { .. } | Kind::InvalidConfig => "system_error",
            Kind::Busy { .. } => "busy",
            Kind::Handler { .. } => "handler_error",
        }
    }

    /// The values involved, by name.
    pub fn values(&self) -> Vec<(&'static str, Value)> {
        use ErrorKind as Kind;
        let number = |name, value: u64| (name, Value::Number(value));
        let text = |name, value: &str| (name, Value::Text(value.to_owned()));
        let mut values = vec![text("name", &self.buffer)];
        match &self.kind {
            Kind::InvalidName { reason } => values.push(text("reason", reason)),
            Kind::BufferInUse { pid } | Kind::WriterExists { pid } => values.push(number("pid", *pid)),
            Kind::ReaderDead { reason, pid } | Kind::WriterDead { reason, pid } => {
                values.extend([text("reason", reason), number("pid", *pid)]);
            }
            Kind::PermissionDenied { path } => values.push(text("path", &path.to_string_lossy())),
            Kind::OtherOwner { user } => values.push(number("user", *user)),
            Kind::InvalidOieb { field, value, limit } | Kind::InvalidFrameSize { field, value, limit } => {
                values.extend([text("field", field), number("value", *value), number("limit", *limit)]);
            }
            Kind::VersionMismatch { major } => values.push(number("value", u64::from(*major))),
            Kind::BufferFull { size, needed, free, .. } => {
                values.extend([number("size", *size), number("needed", *needed), number("free", *free)]);
            }
            Kind::FrameTooLarge { size, largest, always_fits } => values.extend([
                number("size", *size),
                number("largest", *largest),
                number("always_fits", *always_fits),
            ]),
            Kind::FrameUnwritable { size, fits_now, always_fits } => values.extend([
                number("size", *size),
                number("fits_now", *fits_now),
                number("always_fits", *always_fits),
            ]),
            Kind::Sequence { expected, seen } => {
                values.extend([number("expected", *expected), number("seen", *seen)]);
            }
            Kind::MetadataTooLarge { size, limit } => {
                values.extend([number("size", *size), number("limit", *limit)]);
            }
            Kind::Closed { what } => values.push(text("what", what)),
            Kind::ResourceExhausted { operation, source } | Kind::System { operation, source } => {
                let errno = source.raw_os_error().unwrap_or_default();
                values.extend([text("operation", operation), number("errno", errno.unsigned_abs().into())]);
            }
            Kind::Busy { reason } => values.push(text("reason", reason)),
            Kind::Handler { request, reason } => {
                values.extend([number("request", *request), text("reason", reason)]);
            }
            Kind::Timeout { .. } | Kind::InvalidConfig | Kind::NotFound => {}
            Kind::MetadataExists | Kind::MetadataEmpty | Kind::NoMetadata => {}
        }
        values
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind as Kind;
        let name = &self.buffer;
        match &self.kind {
            Kind::InvalidName { reason } => write!(
                out,
                "{name:?} is not a valid buffer name: {reason}. Use 1 to {} letters, digits, '-', '_' and '.', \
                 without '..'",
                crate::names::LONGEST_NAME
            ),
            Kind::InvalidConfig => {
                write!(out, "no segment can have these sizes: give a payload of at least 1 byte, and less in all")
            }
            Kind::BufferInUse { pid: 0 } => {
                write!(out, "buffer {name:?} is in use: another process holds its lock. Choose another name")
            }
            Kind::BufferInUse { pid } => {
                write!(out, "buffer {name:?} is in use by process {pid}. Choose another name, or close its reader")
            }
            Kind::NotFound => {
                write!(out, "buffer {name:?} does not exist. Create its reader first, or wait for it with a timeout")
            }
            Kind::PermissionDenied { path } => write!(
                out,
                "no permission to use {} of buffer {name:?}. Create it with a wider mode, or run as its owner",
                path.display()
            ),
            Kind::OtherOwner { user } => write!(
                out,
                "buffer {name:?} belongs to user {user}, who would get what is written. If that is meant, connect with \
                 `any_owner`"
            ),
            Kind::InvalidOieb { field, value, limit } => write!(
                out,
                "buffer {name:?} is corrupt, or another program's: {field} is {value}, which does not go with {limit}. \
                 Recreate it, or choose another name"
            ),
            Kind::VersionMismatch { major } => write!(
                out,
                "buffer {name:?} has protocol version {major}, this library speaks 1. Use the same on both sides"
            ),
            Kind::WriterExists { pid } => {
                write!(out, "buffer {name:?} already has a writer, process {pid}. Close that one first")
            }
            Kind::ReaderDead { reason, .. } => write!(
                out,
                "the reader of buffer {name:?} is gone ({reason}). Connect again when the buffer has been recreated"
            ),
            Kind::WriterDead { reason, .. } => {
                write!(out, "the writer of buffer {name:?} is gone ({reason}) and all its frames are read")
            }
            Kind::Timeout { seconds } => write!(out, "no frame came to buffer {name:?} within {seconds} s"),
            Kind::BufferFull { size, needed, free, seconds } => write!(
                out,
                "buffer {name:?} had no space for a frame of {size} bytes within {seconds} s \
                 ({needed} needed, {free} free)"
            ),
            Kind::FrameTooLarge { size, largest, .. } => {
                write!(out, "a frame of {size} bytes cannot fit into buffer {name:?}: {largest} is the most")
            }
            Kind::FrameUnwritable { size, fits_now, always_fits } => write!(
                out,
                "a frame of {size} bytes cannot be written at the present position of buffer {name:?}, even when it \
                 is empty: {fits_now} bytes fit now, {always_fits} always do"
            ),
            Kind::InvalidFrameSize { field, value, limit } => {
                write!(out, "buffer {name:?}: {field} says {value}, allowed is 1 to {limit}")
            }
            Kind::Sequence { expected, seen } => {
                write!(out, "buffer {name:?}: expected frame {expected}, found frame {seen}. Recreate the buffer")
            }
            Kind::MetadataTooLarge { size, limit } => {
                write!(out, "metadata of {size} bytes does not fit into buffer {name:?}: {limit} is the most")
            }
            Kind::MetadataExists => {
                write!(out, "buffer {name:?} already has its metadata, which is written once. Send frames instead")
            }
            Kind::MetadataEmpty => write!(out, "empty metadata cannot be written to buffer {name:?}"),
            Kind::NoMetadata => write!(out, "buffer {name:?} has no metadata yet"),
            Kind::Closed { what } => write!(out, "this {what} of buffer {name:?} is closed. Open a new one"),
            Kind::ResourceExhausted { operation, source } | Kind::System { operation, source } => {
                write!(out, "buffer {name:?}: could not {operation}: {source}")
            }
            Kind::Busy { reason } => write!(out, "buffer {name:?} is busy: {reason}"),
            Kind::Handler { request, reason } => write!(
                out,
                "the server that answers into buffer {name:?} could not answer request {request}: {reason}. The next \
                 request has its own answer"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::ResourceExhausted { source, .. } | ErrorKind::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
