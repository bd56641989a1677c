//! The verbs of the driver contract, one function each.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use zerobuffer::{BufferConfig, Deed, Error, ErrorKind, Frame, Reader, Writer};

use crate::channels;
use crate::crc32::crc32;
use crate::desk::Desk;
use crate::introduction;
use crate::params::{wrong, Params};
use crate::rpc::Failure;
use crate::summary::{Clock, Summary};
use crate::table::{locked, nothing_under, HeldFrame, HeldSlot, Thing};

const HANDLER_PATIENCE: Duration = Duration::from_secs(2);

type Verb = fn(&Desk, &Params) -> Result<Value, Failure>;

pub fn find(name: &str) -> Option<Verb> {
    let verb: Verb = match name {
        "hello" => introduction::hello,
        "health" => introduction::health,
        "create" => create,
        "connect" => connect,
        "close" => close,
        "write" => write,
        "fill" => fill,
        "acquire" => acquire,
        "put" => put,
        "commit" => commit,
        "abandon" => abandon,
        "read" => read,
        "read_many" => read_many,
        "relay" => relay,
        "peek" => peek,
        "release" => release,
        "write_metadata" => write_metadata,
        "read_metadata" => read_metadata,
        "arm" => arm,
        "serve" => channels::serve,
        "handle" => channels::handle,
        "service" => channels::service,
        "dial" => channels::dial,
        "send" => channels::send,
        "receive" => channels::receive,
        "ping" => channels::ping,
        _ => return None,
    };
    Some(verb)
}

// ---- what a number stands for

fn reader(desk: &Desk, number: u64) -> Result<Arc<Reader>, Failure> {
    match desk.table.get(number)? {
        Thing::Reader(reader) => Ok(reader),
        _ => Err(nothing_under("reader", number)),
    }
}

fn writer(desk: &Desk, number: u64) -> Result<Arc<Writer>, Failure> {
    match desk.table.get(number)? {
        Thing::Writer(writer) => Ok(writer),
        _ => Err(nothing_under("writer", number)),
    }
}

fn slot(desk: &Desk, number: u64) -> Result<Arc<HeldSlot>, Failure> {
    match desk.table.get(number)? {
        Thing::Slot(slot) => Ok(slot),
        _ => Err(nothing_under("slot", number)),
    }
}

fn frame(desk: &Desk, number: u64) -> Result<Arc<HeldFrame>, Failure> {
    match desk.table.get(number)? {
        Thing::Frame(frame) => Ok(frame),
        _ => Err(nothing_under("frame", number)),
    }
}

pub fn config(params: &Params) -> Result<BufferConfig, Failure> {
    Ok(BufferConfig {
        metadata_size: params.number("metadata")?,
        payload_size: params.number("payload")?,
        ..BufferConfig::default()
    })
}

// ---- buffers

fn create(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let reader = Reader::create(params.text("name")?, config(params)?)?;
    desk.table.keep(Thing::Reader(Arc::new(reader))).map(Value::from)
}

fn connect(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let writer = Writer::connect(params.text("name")?, Duration::ZERO)?;
    desk.table.keep(Thing::Writer(Arc::new(writer))).map(Value::from)
}

fn close(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let number = params.number("handle")?;
    if matches!(desk.table.get(number)?, Thing::Frame(_) | Thing::Slot(_)) {
        return Err(nothing_under("reader, writer, server or client", number));
    }
    for part in desk.table.take_parts(number) {
        part.close(Duration::ZERO);
    }
    desk.table.take(number)?.close(HANDLER_PATIENCE);
    Ok(Value::Null)
}

// ---- writing

fn write(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout, count) = (params.number("handle")?, params.timeout()?, params.number("count")?);
    let (recipe, sizes) = (params.recipe("payload")?, params.numbers("sizes")?);
    let interval = params.seconds("interval")?;
    let (writer, clock) = (writer(desk, handle)?, Clock::new(timeout));
    let largest = sizes.iter().copied().max().unwrap_or(recipe.size);
    let (usual, maker) = (recipe.size, recipe.maker(largest)?);
    let mut summary = Summary::default();
    for number in 0..count {
        if !interval.is_zero() {
            sleep_until(clock.begin() + interval.mul_f64(number as f64));
        }
        let size = if sizes.is_empty() { usual } else { sizes[(number % sizes.len() as u64) as usize] };
        let content = maker.content(size, writer.next_sequence());
        let sequence = writer.write(&content, clock.left())?;
        summary.add(sequence, content.len() as u64);
    }
    Ok(summary.plain(&clock))
}

fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

fn fill(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout) = (params.number("handle")?, params.timeout()?);
    let (recipe, patience) = (params.recipe("payload")?, params.seconds("patience")?);
    let (writer, clock) = (writer(desk, handle)?, Clock::new(timeout));
    let size = recipe.size;
    let maker = recipe.maker(size)?;
    let mut summary = Summary::default();
    while !clock.is_over() {
        let content = maker.content(size, writer.next_sequence());
        match writer.write(&content, patience) {
            Ok(sequence) => summary.add(sequence, content.len() as u64),
            Err(error) if matches!(error.kind(), ErrorKind::BufferFull { .. }) => {
                return Ok(summary.plain(&clock))
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::driver(
        "timeout",
        format!("the buffer took {} frames and was not full in time", summary.frames),
    ))
}

fn acquire(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (owner, size, timeout) = (params.number("handle")?, params.number("size")?, params.timeout()?);
    let slot = writer(desk, owner)?.acquire(size, timeout)?;
    let sequence = slot.sequence();
    let held = HeldSlot { owner, sequence, slot: Mutex::new(Some(slot)) };
    desk.table.keep(Thing::Slot(Arc::new(held))).map(Value::from)
}

fn put(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (number, recipe) = (params.number("slot")?, params.recipe("payload")?);
    let offset = usize::try_from(params.number("offset")?).unwrap_or(usize::MAX);
    let held = slot(desk, number)?;
    let content = recipe.content(held.sequence)?;
    let mut slot = locked(&held.slot);
    let slot = slot.as_mut().ok_or_else(|| Failure::driver("closed", "the slot was given up"))?;
    let size = slot.len();
    let place = offset.checked_add(content.len()).and_then(|end| slot.get_mut(offset..end));
    place
        .ok_or_else(|| {
            Failure::params(format!(
                "\"offset\" {offset} and the payload go beyond the {size} bytes of the slot"
            ))
        })?
        .copy_from_slice(&content);
    Ok(Value::Null)
}

fn commit(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let number = params.number("slot")?;
    let held = slot(desk, number)?;
    desk.table.take(number)?;
    let slot = locked(&held.slot).take();
    Ok(slot.ok_or_else(|| Failure::driver("closed", "the slot was given up"))?.commit()?.into())
}

fn abandon(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let number = params.number("slot")?;
    let held = slot(desk, number)?;
    desk.table.take(number)?;
    drop(locked(&held.slot).take());
    Ok(Value::Null)
}

fn write_metadata(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (handle, recipe) = (params.number("handle")?, params.recipe("payload")?);
    writer(desk, handle)?.set_metadata(&recipe.content(0)?)?;
    Ok(Value::Null)
}

// ---- reading

fn read(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (owner, timeout) = (params.number("handle")?, params.timeout()?);
    let frame = reader(desk, owner)?.read(timeout)?;
    let (sequence, size, digest) = (frame.sequence(), frame.len(), crc32(0, &frame));
    let held = HeldFrame { owner, sequence, frame: Mutex::new(Some(frame)) };
    let number = desk.table.keep(Thing::Frame(Arc::new(held)))?;
    Ok(json!({ "frame": number, "sequence": sequence, "size": size, "digest": digest }))
}

fn read_many(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout, count) = (params.number("handle")?, params.timeout()?, params.limit("count")?);
    let (delay, idle) = (params.seconds("delay")?, params.seconds("idle")?);
    let look = params.flag("look")?;
    let (reader, clock) = (reader(desk, handle)?, Clock::new(timeout));
    let mut summary = Summary::default();
    while count.is_none_or(|count| summary.frames < count) {
        let patience = if count.is_none() { idle.min(clock.left()) } else { clock.left() };
        let frame = match reader.read(patience) {
            Ok(frame) => frame,
            Err(error) if count.is_none() && is_end(&error) && !clock.is_over() => break,
            Err(error) => return Err(Failure::from(error).after(&format!("after {} frames", summary.frames))),
        };
        if look {
            summary.add_data(frame.sequence(), &frame);
        } else {
            summary.add(frame.sequence(), frame.len() as u64);
        }
        if !delay.is_zero() {
            // The scenario asks for a slow reader.
            thread::sleep(delay);
        }
    }
    Ok(summary.plain(&clock))
}

fn is_end(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Timeout { .. } | ErrorKind::WriterDead { .. })
}

fn relay(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let (source, target) = (params.number("source")?, params.number("target")?);
    let (count, clock) = (params.number("count")?, Clock::new(params.timeout()?));
    let (source, target) = (reader(desk, source)?, writer(desk, target)?);
    let mut summary = Summary::default();
    for _ in 0..count {
        let frame = source.read(clock.left())?;
        summary.add_data(frame.sequence(), &frame);
        target.write(&frame, clock.left())?;
    }
    Ok(summary.plain(&clock))
}

fn peek(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let number = params.number("frame")?;
    let (offset, length) = (params.number("offset")?, params.number("length")?);
    let held = frame(desk, number)?;
    let frame = locked(&held.frame);
    let frame: &Frame = frame
        .as_ref()
        .ok_or_else(|| Failure::driver("frame_released", format!("frame {} was released", held.sequence)))?;
    let within = |number| usize::try_from(number).unwrap_or(usize::MAX).min(frame.len());
    let bytes = &frame[within(offset)..within(offset.saturating_add(length))];
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// The number stays, so that a look at a released frame is told so.
fn release(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    drop(locked(&frame(desk, params.number("frame")?)?.frame).take());
    Ok(Value::Null)
}

fn read_metadata(desk: &Desk, params: &Params) -> Result<Value, Failure> {
    let content = reader(desk, params.number("handle")?)?.metadata()?;
    Ok(blob(&content))
}

pub fn blob(content: &[u8]) -> Value {
    json!({ "size": content.len(), "digest": crc32(0, content) })
}

// ---- faults

fn arm(_: &Desk, params: &Params) -> Result<Value, Failure> {
    let (point, passage) = (params.text("point")?, params.number("passage")?);
    let deed = match params.text("then")? {
        "die" => Deed::Die,
        "halt" => Deed::Halt,
        _ => return Err(wrong("then", "\"die\" or \"halt\"")),
    };
    if !zerobuffer::arm(point, passage, deed) {
        return Err(wrong("point", "one of those of the library"));
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::answer;

    /// Nothing is armed in here: it would stay so.
    #[test]
    fn what_cannot_be_armed_is_refused_by_the_name_of_the_parameter() {
        for (params, culprit) in [
            (json!({ "point": "writer.data", "passage": 1 }), "then"),
            (json!({ "point": "writer.data", "passage": 1, "then": "sleep" }), "then"),
            (json!({ "point": "writer.data", "passage": 1, "then": 9 }), "then"),
            (json!({ "point": "writer.data", "passage": "first", "then": "die" }), "passage"),
            (json!({ "point": "writer.nowhere", "passage": 1, "then": "halt" }), "point"),
        ] {
            let outcome = arm(&Desk::default(), &Params::of(params).expect("an object"));
            let error = answer(&json!(1), outcome)["error"].take();
            assert_eq!(error["code"], -32602);
            let message = error["message"].as_str().unwrap_or_default();
            assert!(message.contains(&format!("{culprit:?}")), "{message}");
        }
    }
}
