//! Performs verbs. Each blocks the thread it is called in, and no other.

use std::time::Duration;

use serde_json::Value;

use crate::jobs::{Job, Jobs};
use crate::params::Params;
use crate::rpc::Failure;
use crate::table::Table;
use crate::{channels, introduction, verbs};

/// For requests that are under way when the driver ends.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

type Verb = fn(&Table, &Params) -> Result<Value, Failure>;

fn find(name: &str) -> Option<Verb> {
    let verb: Verb = match name {
        "hello" => introduction::hello,
        "health" => introduction::health,
        "create" => verbs::create,
        "connect" => verbs::connect,
        "close" => verbs::close,
        "write" => verbs::write,
        "fill" => verbs::fill,
        "acquire" => verbs::acquire,
        "put" => verbs::put,
        "commit" => verbs::commit,
        "abandon" => verbs::abandon,
        "read" => verbs::read,
        "read_many" => verbs::read_many,
        "relay" => verbs::relay,
        "peek" => verbs::peek,
        "release" => verbs::release,
        "write_metadata" => verbs::write_metadata,
        "read_metadata" => verbs::read_metadata,
        "arm" => verbs::arm,
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

#[derive(Default)]
pub struct Dispatcher {
    pub jobs: Jobs,
    table: Table,
}

impl Dispatcher {
    pub fn perform(&self, job: &Job, verb: &str, params: Value) -> Result<Value, Failure> {
        let params = Params::of(params)?;
        if verb == "dump" {
            params.timeout()?;
            return Ok(introduction::dump(&self.jobs, job));
        }
        let perform = find(verb).ok_or_else(|| Failure::unknown_verb(verb))?;
        params.timeout()?;
        perform(&self.table, &params)
    }

    /// Closes all that is open, and what requests under way may still open.
    pub fn end(&self) {
        for thing in self.table.end() {
            thing.close(Duration::ZERO);
        }
        self.jobs.finish(LAST_REQUESTS);
    }
}
