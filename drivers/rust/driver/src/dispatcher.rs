//! Performs verbs. Each blocks the thread it is called in, and no other.

use std::time::Duration;

use serde_json::Value;

use crate::introduction;
use crate::jobs::{Job, Jobs};
use crate::params::Params;
use crate::rpc::Failure;
use crate::table::Table;
use crate::verbs;

/// For requests that are under way when the driver ends.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Desk {
    pub table: Table,
    pub jobs: Jobs,
}

impl Desk {
    /// Does one verb.
    pub fn perform(&self, job: &Job, verb: &str, params: Value) -> Result<Value, Failure> {
        let params = Params::of(params)?;
        if verb == "dump" {
            params.timeout()?;
            return Ok(introduction::dump(&self.jobs, job));
        }
        let perform = verbs::find(verb).ok_or_else(|| Failure::unknown_verb(verb))?;
        params.timeout()?;
        perform(self, &params)
    }

    /// Closes all that is open, and what requests under way may still open.
    pub fn end(&self) {
        for thing in self.table.end() {
            thing.close(Duration::ZERO);
        }
        self.jobs.finish(LAST_REQUESTS);
    }
}
