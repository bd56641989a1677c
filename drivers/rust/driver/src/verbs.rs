//! The verbs of buffers, one function each.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use zerobuffer::{Deed, Error, ErrorKind, Frame, Reader, Writer};

use crate::crc32::crc32;
use crate::params::{wrong, Params};
use crate::patterns::Recipe;
use crate::rpc::Failure;
use crate::table::{locked, nothing_under, HeldFrame, HeldSlot, Table, Thing};
use crate::transfer::{blob, Clock, Transfer};

const HANDLER_PATIENCE: Duration = Duration::from_secs(2);

// ---- buffers

pub fn create(table: &Table, params: &Params) -> Result<Value, Failure> {
    let reader = Reader::create(params.text("name")?, params.config()?)?;
    table.keep(Thing::Reader(Arc::new(reader))).map(Value::from)
}

pub fn connect(table: &Table, params: &Params) -> Result<Value, Failure> {
    let writer = Writer::connect(params.text("name")?, Duration::ZERO)?;
    table.keep(Thing::Writer(Arc::new(writer))).map(Value::from)
}

pub fn close(table: &Table, params: &Params) -> Result<Value, Failure> {
    let number = params.number("handle")?;
    if matches!(table.get(number)?, Thing::Frame(_) | Thing::Slot(_)) {
        return Err(nothing_under("reader, writer, server or client", number));
    }
    let thing = table.end_one(number)?;
    for part in table.take_parts(number) {
        part.close(Duration::ZERO);
    }
    thing.close(HANDLER_PATIENCE);
    Ok(Value::Null)
}

// ---- writing

pub fn write(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout, count) = (params.number("handle")?, params.timeout()?, params.number("count")?);
    let (recipe, sizes) = (Recipe::of(params, "payload")?, params.numbers("sizes")?);
    let interval = params.seconds("interval")?;
    let (writer, clock) = (table.writer(handle)?, Clock::new(timeout));
    let largest = sizes.iter().copied().max().unwrap_or(recipe.size);
    let (usual, maker) = (recipe.size, recipe.maker(largest)?);
    let mut transfer = Transfer::default();
    for number in 0..count {
        if !interval.is_zero() {
            sleep_until(clock.begin() + interval.mul_f64(number as f64));
        }
        let size = if sizes.is_empty() { usual } else { sizes[(number % sizes.len() as u64) as usize] };
        let content = maker.content(size, writer.next_sequence());
        let sequence = writer
            .write(&content, clock.left())
            .map_err(|error| clock.ended(error, transfer.frames, "frames"))?;
        transfer.add(sequence, content.len() as u64);
    }
    Ok(transfer.as_json(&clock))
}

fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

pub fn fill(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout) = (params.number("handle")?, params.timeout()?);
    let (recipe, patience) = (Recipe::of(params, "payload")?, params.seconds("patience")?);
    let (writer, clock) = (table.writer(handle)?, Clock::new(timeout));
    let size = recipe.size;
    let maker = recipe.maker(size)?;
    let mut transfer = Transfer::default();
    while !clock.is_over() {
        let content = maker.content(size, writer.next_sequence());
        match writer.write(&content, patience) {
            Ok(sequence) => transfer.add(sequence, content.len() as u64),
            Err(error) if matches!(error.kind(), ErrorKind::BufferFull { .. }) => {
                return Ok(transfer.as_json(&clock))
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::driver(
        "timeout",
        format!("the buffer took {} frames and was not full in time", transfer.frames),
    ))
}

pub fn acquire(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (owner, size, timeout) = (params.number("handle")?, params.number("size")?, params.timeout()?);
    let slot = table.writer(owner)?.acquire(size, timeout)?;
    let sequence = slot.sequence();
    let held = HeldSlot { owner, sequence, slot: Mutex::new(Some(slot)) };
    table.keep(Thing::Slot(Arc::new(held))).map(Value::from)
}

pub fn put(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (number, recipe) = (params.number("slot")?, Recipe::of(params, "payload")?);
    let offset = usize::try_from(params.number("offset")?).unwrap_or(usize::MAX);
    let held = table.slot(number)?;
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

pub fn commit(table: &Table, params: &Params) -> Result<Value, Failure> {
    let number = params.number("slot")?;
    let held = table.slot(number)?;
    table.take(number)?;
    let slot = locked(&held.slot).take();
    Ok(slot.ok_or_else(|| Failure::driver("closed", "the slot was given up"))?.commit()?.into())
}

pub fn abandon(table: &Table, params: &Params) -> Result<Value, Failure> {
    let number = params.number("slot")?;
    let held = table.slot(number)?;
    table.take(number)?;
    drop(locked(&held.slot).take());
    Ok(Value::Null)
}

pub fn write_metadata(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (handle, recipe) = (params.number("handle")?, Recipe::of(params, "payload")?);
    table.writer(handle)?.set_metadata(&recipe.content(0)?)?;
    Ok(Value::Null)
}

// ---- reading

pub fn read(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (owner, timeout) = (params.number("handle")?, params.timeout()?);
    let frame = table.reader(owner)?.read(timeout)?;
    let (sequence, size, digest) = (frame.sequence(), frame.len(), crc32(0, &frame));
    let held = HeldFrame { owner, sequence, frame: Mutex::new(Some(frame)) };
    let number = table.keep(Thing::Frame(Arc::new(held)))?;
    Ok(json!({ "frame": number, "sequence": sequence, "size": size, "digest": digest }))
}

pub fn read_many(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (handle, timeout, count) = (params.number("handle")?, params.timeout()?, params.limit("count")?);
    let (delay, idle) = (params.seconds("delay")?, params.seconds("idle")?);
    let look = params.flag("look")?;
    let (reader, clock) = (table.reader(handle)?, Clock::new(timeout));
    let mut transfer = Transfer::default();
    while count.is_none_or(|count| transfer.frames < count) {
        let patience = if count.is_none() { idle.min(clock.left()) } else { clock.left() };
        let frame = match reader.read(patience) {
            Ok(frame) => frame,
            Err(error) if count.is_none() && is_end(&error) && !clock.is_over() => break,
            Err(error) => return Err(clock.ended(error, transfer.frames, "frames")),
        };
        if look {
            transfer.add_data(frame.sequence(), &frame);
        } else {
            transfer.add(frame.sequence(), frame.len() as u64);
        }
        if !delay.is_zero() {
            // The scenario asks for a slow reader.
            thread::sleep(delay);
        }
    }
    Ok(transfer.as_json(&clock))
}

fn is_end(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Timeout { .. } | ErrorKind::WriterDead { .. })
}

pub fn relay(table: &Table, params: &Params) -> Result<Value, Failure> {
    let (source, target) = (params.number("source")?, params.number("target")?);
    let (count, clock) = (params.number("count")?, Clock::new(params.timeout()?));
    let (source, target) = (table.reader(source)?, table.writer(target)?);
    let mut transfer = Transfer::default();
    for _ in 0..count {
        let ended = |error| clock.ended(error, transfer.frames, "frames");
        let frame = source.read(clock.left()).map_err(ended)?;
        target.write(&frame, clock.left()).map_err(ended)?;
        transfer.add_data(frame.sequence(), &frame);
    }
    Ok(transfer.as_json(&clock))
}

pub fn peek(table: &Table, params: &Params) -> Result<Value, Failure> {
    let number = params.number("frame")?;
    let (offset, length) = (params.number("offset")?, params.number("length")?);
    let held = table.frame(number)?;
    let frame = locked(&held.frame);
    let frame: &Frame = frame
        .as_ref()
        .ok_or_else(|| Failure::driver("frame_released", format!("frame {} was released", held.sequence)))?;
    let within = |number| usize::try_from(number).unwrap_or(usize::MAX).min(frame.len());
    let bytes = &frame[within(offset)..within(offset.saturating_add(length))];
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}

/// The number stays, so that a look at a released frame is told so.
pub fn release(table: &Table, params: &Params) -> Result<Value, Failure> {
    drop(locked(&table.frame(params.number("frame")?)?.frame).take());
    Ok(Value::Null)
}

pub fn read_metadata(table: &Table, params: &Params) -> Result<Value, Failure> {
    let content = table.reader(params.number("handle")?)?.metadata()?;
    Ok(blob(&content))
}

// ---- faults

pub fn arm(_: &Table, params: &Params) -> Result<Value, Failure> {
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
            let outcome = arm(&Table::default(), &Params::of(params).expect("an object"));
            let error = answer(&json!(1), outcome)["error"].take();
            assert_eq!(error["code"], -32602);
            let message = error["message"].as_str().unwrap_or_default();
            assert!(message.contains(&format!("{culprit:?}")), "{message}");
        }
    }
}
