//! The ZeroBuffer protocol 1.0: frames pass from one writer to one reader through a ring in shared memory.
//!
//! A [`Reader`] creates a buffer and owns its objects, a [`Writer`] connects to it. Both are `Send + Sync`, and every
//! call that waits has a deadline. [`DuplexServer`] and [`DuplexClient`] put two buffers together for requests and
//! responses.
//!
//! ```
//! use std::time::Duration;
//! use zerobuffer::{BufferConfig, Reader, Writer};
//!
//! # fn main() -> Result<(), zerobuffer::Error> {
//! let name = format!("doc-{}", std::process::id());
//! let reader = Reader::create(&name, BufferConfig { metadata_size: 64, payload_size: 4096, ..Default::default() })?;
//! let writer = Writer::connect(&name, Duration::ZERO)?;
//! writer.write(b"hello", Duration::from_secs(1))?;
//! let frame = reader.read(Duration::from_secs(1))?;
//! assert_eq!(&frame[..], b"hello");
//! # Ok(())
//! # }
//! ```

mod account;
mod connect;
mod deadline;
mod duplex;
mod error;
mod fair_lock;
mod fork;
mod layout;
mod leases;
mod memory;
mod names;
mod ownership;
mod peer;
mod plan;
mod points;
mod presence;
mod reader;
mod ring;
mod sys;
mod writer;

pub use duplex::{DuplexClient, DuplexServer, HandlerFailure};
pub use error::{Error, ErrorKind, Value};
pub use layout::{layout, BufferConfig, Field, Structure, FRAME_HEADER_SIZE, LONGEST_NAME, OIEB_SIZE};
#[cfg(feature = "points")]
pub use points::{arm, Deed};
pub use reader::{Frame, Reader, WriterState};
pub use writer::{ConnectOptions, Slot, Writer};
