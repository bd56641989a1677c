//! Test data that every implementation generates alike.

use std::borrow::Cow;

use crate::params::{wrong, Params};
use crate::rpc::Failure;

const PERIOD: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    /// Counts upwards from the sequence of the frame.
    Frame,
    /// Counts upwards from 0.
    Simple,
    /// Given as it is.
    Text,
}

/// How bytes are made, so that they need not travel.
#[derive(Clone, Debug)]
pub struct Recipe {
    pattern: Pattern,
    pub size: u64,
    /// 0 stands for the number that the frame itself gets.
    sequence: u64,
    text: String,
    mask: u8,
    repeat: usize,
}

impl Recipe {
    pub fn of(params: &Params, name: &str) -> Result<Self, Failure> {
        let fields = params.object(name)?;
        let pattern = match fields.text("pattern")? {
            "frame" => Pattern::Frame,
            "simple" => Pattern::Simple,
            "text" => Pattern::Text,
            _ => return Err(wrong("pattern", "one of frame, simple and text")),
        };
        let small = |name: &str, most: u64| match fields.number(name)? {
            number if number > most => Err(Failure::params(format!("{name:?} is {number}, at most {most}"))),
            number => Ok(number),
        };
        Ok(Self {
            pattern,
            size: fields.number("size")?,
            sequence: fields.number("sequence")?,
            text: fields.text("text")?.to_owned(),
            mask: small("mask", 255)? as u8,
            repeat: small("repeat", 1 << 20)? as usize,
        })
    }

    /// Prepares to make payloads of at most this size.
    pub fn maker(self, largest: u64) -> Result<Maker, Failure> {
        let too_large = |_| Failure::driver("resource_exhausted", format!("no memory for {largest} bytes"));
        let mut material = Vec::new();
        if self.pattern == Pattern::Text {
            material.extend(self.text.bytes().map(|byte| byte ^ self.mask));
        } else {
            // From each shift on, the largest payload can be cut out of it.
            let length = usize::try_from(largest).unwrap_or(usize::MAX).saturating_add(PERIOD);
            material.try_reserve_exact(length).map_err(too_large)?;
            material.extend((0..=u8::MAX).map(|value| value ^ self.mask));
            while material.len() < length {
                let more = material.len().min(length - material.len());
                material.extend_from_within(..more);
            }
        }
        Ok(Maker { recipe: self, material })
    }

    /// Makes one payload.
    pub fn content(self, sequence: u64) -> Result<Vec<u8>, Failure> {
        let size = self.size;
        Ok(self.maker(size)?.content(size, sequence).into_owned())
    }
}

/// Makes payload after payload by cutting them out of what has been made once.
pub struct Maker {
    recipe: Recipe,
    material: Vec<u8>,
}

impl Maker {
    /// The bytes of a payload; `sequence` fills in for a recipe that leaves it open.
    pub fn content(&self, size: u64, sequence: u64) -> Cow<'_, [u8]> {
        let sequence = if self.recipe.sequence == 0 { sequence } else { self.recipe.sequence };
        let shift = (sequence % PERIOD as u64) as usize;
        let made = match self.recipe.pattern {
            Pattern::Frame => &self.material[shift..shift + size as usize],
            Pattern::Simple => &self.material[..size as usize],
            Pattern::Text => &self.material[..],
        };
        if self.recipe.repeat == 1 {
            Cow::Borrowed(made)
        } else {
            Cow::Owned(made.repeat(self.recipe.repeat))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A recipe with some values instead of the usual ones.
    fn recipe(values: serde_json::Value) -> Result<Recipe, Failure> {
        let mut whole =
            json!({"pattern": "simple", "size": 0, "sequence": 0, "text": "", "mask": 0, "repeat": 1});
        let (fields, values) = (whole.as_object_mut().expect("an object"), values.as_object().cloned());
        fields.extend(values.expect("an object"));
        Recipe::of(&Params::of(json!({ "payload": whole })).expect("an object"), "payload")
    }

    fn content(values: serde_json::Value, sequence: u64) -> Vec<u8> {
        recipe(values).expect("a recipe").content(sequence).expect("bytes")
    }

    #[test]
    fn a_frame_counts_from_its_sequence() {
        assert_eq!(content(json!({"pattern": "frame", "size": 4}), 254), [254, 255, 0, 1]);
        assert_eq!(content(json!({"pattern": "frame", "size": 3, "sequence": 7}), 1), [7, 8, 9]);
        let long = content(json!({"pattern": "frame", "size": 5000}), 300);
        assert!(long.iter().enumerate().all(|(index, &byte)| usize::from(byte) == (index + 300) % 256));
    }

    #[test]
    fn a_simple_pattern_counts_from_zero() {
        assert_eq!(content(json!({"pattern": "simple", "size": 3}), 9), [0, 1, 2]);
        assert!(content(json!({"pattern": "simple", "size": 0}), 9).is_empty());
    }

    #[test]
    fn text_is_as_it_is_and_may_be_masked_and_repeated() {
        assert_eq!(content(json!({"pattern": "text", "size": 0, "text": "\u{e4}"}), 1), "\u{e4}".as_bytes());
        assert_eq!(
            content(json!({"pattern": "simple", "size": 2, "mask": 255, "repeat": 2}), 1),
            [255, 254, 255, 254]
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for values in [
            json!({"pattern": "x"}),
            json!({"size": -1}),
            json!({"size": null}),
            json!({"mask": 256}),
            json!({"text": 1}),
        ] {
            assert!(recipe(values.clone()).is_err(), "{values}");
        }
        let failure = recipe(json!({"size": u64::MAX})).expect("a recipe").content(1).expect_err("no memory");
        assert_eq!(failure.canonical(), Some("resource_exhausted"));
    }
}
