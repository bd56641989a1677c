//! The parameters of one request, by name and type.

use std::time::Duration;

use serde_json::{Map, Value};
use zerobuffer::BufferConfig;

use crate::rpc::{first_object, Failure};

pub struct Params(Map<String, Value>);

impl Params {
    pub fn of(params: Value) -> Result<Self, Failure> {
        first_object(params).map(Self)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn needed(&self, name: &str) -> Result<&Value, Failure> {
        self.get(name).ok_or_else(|| Failure::params(format!("{name:?} is missing")))
    }

    pub fn number(&self, name: &str) -> Result<u64, Failure> {
        self.needed(name)?.as_u64().ok_or_else(|| wrong(name, "a whole number"))
    }

    /// `None` stands for no limit.
    pub fn limit(&self, name: &str) -> Result<Option<u64>, Failure> {
        if self.0.contains_key(name) && self.get(name).is_none() {
            return Ok(None);
        }
        self.number(name).map(Some)
    }

    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.needed(name)?.as_str().ok_or_else(|| wrong(name, "a text"))
    }

    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        self.needed(name)?.as_bool().ok_or_else(|| wrong(name, "true or false"))
    }

    pub fn seconds(&self, name: &str) -> Result<Duration, Failure> {
        let seconds = self.needed(name)?.as_f64().ok_or_else(|| wrong(name, "a number of seconds"))?;
        Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
    }

    pub fn timeout(&self) -> Result<Duration, Failure> {
        self.seconds("timeout")
    }

    pub fn numbers(&self, name: &str) -> Result<Vec<u64>, Failure> {
        let numbers =
            self.needed(name)?.as_array().and_then(|values| values.iter().map(Value::as_u64).collect());
        numbers.ok_or_else(|| wrong(name, "a list of whole numbers"))
    }

    pub fn object(&self, name: &str) -> Result<Self, Failure> {
        self.needed(name)?.as_object().cloned().map(Self).ok_or_else(|| wrong(name, "an object"))
    }

    /// The sizes of a buffer to be created.
    pub fn config(&self) -> Result<BufferConfig, Failure> {
        let (metadata_size, payload_size) = (self.number("metadata")?, self.number("payload")?);
        Ok(BufferConfig { metadata_size, payload_size, ..BufferConfig::default() })
    }
}

pub fn wrong(name: &str, expected: &str) -> Failure {
    Failure::params(format!("{name:?} must be {expected}"))
}
