//! Performs verbs. Each blocks the thread it is called in, and no other.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::params::Params;
use crate::rpc::Failure;
use crate::table::{locked, Table};
use crate::verbs;

/// For requests that are under way when the driver ends.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Desk {
    pub table: Table,
    jobs: Arc<Jobs>,
}

#[derive(Default)]
struct Jobs {
    count: Mutex<u64>,
    fewer: Condvar,
}

/// A request under way.
pub struct Job(Arc<Jobs>);

impl Drop for Job {
    fn drop(&mut self) {
        *locked(&self.0.count) -= 1;
        self.0.fewer.notify_all();
    }
}

impl Desk {
    /// Counts a request; to be kept until it is answered.
    pub fn begin(&self) -> Job {
        *locked(&self.jobs.count) += 1;
        Job(Arc::clone(&self.jobs))
    }

    /// Does one verb.
    pub fn perform(&self, verb: &str, params: Value) -> Result<Value, Failure> {
        let perform = verbs::find(verb).ok_or_else(|| Failure::unknown_verb(verb))?;
        perform(self, &Params::of(params)?)
    }

    /// Closes all that is open, and what requests under way may still open.
    pub fn end(&self) {
        for thing in self.table.end() {
            thing.close(Duration::ZERO);
        }
        let count = locked(&self.jobs.count);
        let _ = self
            .jobs
            .fewer
            .wait_timeout_while(count, LAST_REQUESTS, |count| *count > 0)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
