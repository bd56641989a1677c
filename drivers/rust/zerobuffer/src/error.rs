//! What can go wrong, with the canonical code that all implementations share.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::layout::{LONGEST_NAME, VERSION_MAJOR};

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

/// A field of a cause, as a value with a name.
trait Detail {
    fn detail(&self, field: &'static str) -> Option<(&'static str, Value)>;
}

macro_rules! details {
    ($($kind:ty: |$field:ident, $value:ident| $detail:expr;)*) => {
        $(impl Detail for $kind {
            fn detail(&self, $field: &'static str) -> Option<(&'static str, Value)> {
                let $value = self;
                $detail
            }
        })*
    };
}

details! {
    u64: |field, number| Some((field, Value::Number(*number)));
    String: |field, text| Some((field, Value::Text(text.clone())));
    &'static str: |field, text| Some((field, Value::Text((*text).to_owned())));
    PathBuf: |field, path| Some((field, Value::Text(path.to_string_lossy().into_owned())));
    // The caller knows its own timeout.
    f64: |_field, _seconds| None;
    io::Error: |_field, error| {
        Some(("errno", Value::Number(error.raw_os_error().unwrap_or_default().unsigned_abs().into())))
    };
}

/// Each cause with its fields, its canonical code, and the message for the buffer `$name`.
macro_rules! causes {
    (
        $name:ident;
        $($kind:ident $({ $($field:ident: $type:ty),* })?, $code:literal, $message:literal $(, $value:expr)*;)*
    ) => {
        /// Every cause of an error.
        #[derive(Debug)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum ErrorKind {
            $($kind $({ $($field: $type),* })?,)*
        }

        impl Error {
            /// The stable name of the cause.
            pub fn code(&self) -> &'static str {
                match self.kind {
                    $(ErrorKind::$kind { .. } => $code,)*
                }
            }

            /// The values involved, by name.
            pub fn values(&self) -> Vec<(&'static str, Value)> {
                let details = match &self.kind {
                    $(ErrorKind::$kind $({ $($field),* })? => vec![$($($field.detail(stringify!($field))),*)?],)*
                };
                [self.buffer.detail("name")].into_iter().chain(details).flatten().collect()
            }
        }

        impl fmt::Display for Error {
            #[allow(unused_variables)] // a message need not use every field
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $name = &self.buffer;
                match &self.kind {
                    $(ErrorKind::$kind $({ $($field),* })? => write!(out, $message $(, $value)*),)*
                }
            }
        }
    };
}

causes! { name;
    InvalidName { reason: String }, "invalid_name",
        "{name:?} is not a valid buffer name: {reason}. Use 1 to {LONGEST_NAME} letters, digits, '-', '_' and '.', \
         without '..'";
    InvalidConfig, "system_error",
        "no segment can have these sizes: give a payload of at least 1 byte, and less in all";
    BufferInUse { pid: u64 }, "buffer_in_use",
        "buffer {name:?} is in use{}", match pid {
            0 => ": another process holds its lock. Choose another name".to_owned(),
            pid => format!(" by process {pid}. Choose another name, or close its reader"),
        };
    NotFound, "not_found",
        "buffer {name:?} does not exist. Create its reader first, or wait for it with a timeout";
    PermissionDenied { path: PathBuf }, "permission_denied",
        "no permission to use {} of buffer {name:?}. Create it with a wider mode, or run as its owner", path.display();
    OtherOwner { user: u64 }, "permission_denied",
        "buffer {name:?} belongs to user {user}, who would get what is written. If that is meant, connect with \
         `any_owner`";
    InvalidOieb { field: &'static str, value: u64, limit: u64 }, "invalid_oieb",
        "buffer {name:?} is corrupt, or another program's: {field} is {value}, which does not go with {limit}. \
         Recreate it, or choose another name";
    VersionMismatch { value: u64 }, "version_mismatch",
        "buffer {name:?} has protocol version {value}, this library speaks {VERSION_MAJOR}. Use the same on both sides";
    WriterExists { pid: u64 }, "writer_exists",
        "buffer {name:?} already has a writer, process {pid}. Close that one first";
    ReaderDead { reason: &'static str, pid: u64 }, "reader_dead",
        "the reader of buffer {name:?} is gone ({reason}). Connect again when the buffer has been recreated";
    WriterDead { reason: &'static str, pid: u64 }, "writer_dead",
        "the writer of buffer {name:?} is gone ({reason}) and all its frames are read";
    Timeout { seconds: f64 }, "timeout",
        "no frame came to buffer {name:?} within {seconds} s";
    BufferFull { size: u64, needed: u64, free: u64, seconds: f64 }, "buffer_full",
        "buffer {name:?} had no space for a frame of {size} bytes within {seconds} s ({needed} needed, {free} free)";
    FrameTooLarge { size: u64, largest: u64, always_fits: u64 }, "frame_too_large",
        "a frame of {size} bytes cannot fit into buffer {name:?}: {largest} is the most";
    FrameUnwritable { size: u64, fits_now: u64, always_fits: u64 }, "frame_unwritable",
        "a frame of {size} bytes cannot be written at the present position of buffer {name:?}, even when it is empty: \
         {fits_now} bytes fit now, {always_fits} always do";
    InvalidFrameSize { field: &'static str, value: u64, limit: u64 }, "invalid_frame_size",
        "buffer {name:?}: {field} says {value}, allowed is 1 to {limit}";
    Sequence { expected: u64, seen: u64 }, "sequence_error",
        "buffer {name:?}: expected frame {expected}, found frame {seen}. Recreate the buffer";
    MetadataTooLarge { size: u64, limit: u64 }, "metadata_too_large",
        "metadata of {size} bytes does not fit into buffer {name:?}: {limit} is the most";
    MetadataExists, "metadata_exists",
        "buffer {name:?} already has its metadata, which is written once. Send frames instead";
    MetadataEmpty, "metadata_empty", "empty metadata cannot be written to buffer {name:?}";
    NoMetadata, "no_metadata", "buffer {name:?} has no metadata yet";
    Closed { what: &'static str }, "closed", "this {what} of buffer {name:?} is closed. Open a new one";
    ResourceExhausted { operation: &'static str, source: io::Error }, "resource_exhausted",
        "buffer {name:?}: could not {operation}: {source}";
    System { operation: &'static str, source: io::Error }, "system_error",
        "buffer {name:?}: could not {operation}: {source}";
    Busy { reason: &'static str }, "busy", "buffer {name:?} is busy: {reason}";
    Handler { request: u64, reason: String }, "handler_error",
        "the server that answers into buffer {name:?} could not answer request {request}: {reason}. The next request \
         has its own answer";
}

impl Error {
    /// Does something with a buffer, whose name comes into the error.
    pub(crate) fn naming<T>(buffer: &str, work: impl FnOnce() -> Result<T, ErrorKind>) -> Result<T, Self> {
        work().map_err(|kind| Self { buffer: buffer.to_owned(), kind })
    }

    /// The buffer concerned.
    pub fn buffer(&self) -> &str {
        &self.buffer
    }

    /// The cause.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
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

impl ErrorKind {
    /// A value in shared memory that cannot be.
    pub(crate) fn invalid(field: &'static str, value: u64, limit: u64) -> Self {
        Self::InvalidOieb { field, value, limit }
    }
}

/// Names the cause of what the system refused.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T, ErrorKind>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T, ErrorKind> {
        self.map_err(|source| match source.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => {
                ErrorKind::PermissionDenied { path: path.as_ref().to_owned() }
            }
            Some(libc::ENOSPC | libc::EFBIG | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::EDQUOT) => {
                ErrorKind::ResourceExhausted { operation, source }
            }
            _ => ErrorKind::System { operation, source },
        })
    }
}
