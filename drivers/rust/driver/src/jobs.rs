//! The requests under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::table::locked;

#[derive(Clone, Default)]
pub struct Jobs(Arc<Shared>);

#[derive(Default)]
struct Shared {
    list: Mutex<List>,
    fewer: Condvar,
}

#[derive(Default)]
struct List {
    last: u64,
    under_way: BTreeMap<u64, Asked>,
}

struct Asked {
    id: Value,
    verb: String,
    began: Instant,
    done: bool,
}

/// A request under way, until it is dropped.
pub struct Job {
    jobs: Jobs,
    number: u64,
}

/// What is known of a request.
pub struct Known {
    pub id: Value,
    pub verb: String,
    pub age: Duration,
}

impl Drop for Job {
    fn drop(&mut self) {
        locked(&self.jobs.0.list).under_way.remove(&self.number);
        self.jobs.0.fewer.notify_all();
    }
}

impl Job {
    /// Its work is done: `others` names it no more. It counts as under way until the answer is sent.
    pub fn done(&self) {
        if let Some(asked) = locked(&self.jobs.0.list).under_way.get_mut(&self.number) {
            asked.done = true;
        }
    }
}

impl Jobs {
    /// Notes a request; to be kept until it is answered.
    pub fn begin(&self, id: Value, verb: &str) -> Job {
        let mut list = locked(&self.0.list);
        list.last += 1;
        let number = list.last;
        list.under_way
            .insert(number, Asked { id, verb: verb.to_owned(), began: Instant::now(), done: false });
        Job { jobs: self.clone(), number }
    }

    /// All that are at work but one, the oldest first.
    pub fn others(&self, this: &Job) -> Vec<Known> {
        let list = locked(&self.0.list);
        let others = list.under_way.iter().filter(|(&number, asked)| number != this.number && !asked.done);
        others
            .map(|(_, asked)| Known {
                id: asked.id.clone(),
                verb: asked.verb.clone(),
                age: asked.began.elapsed(),
            })
            .collect()
    }

    /// Waits for the last one to end, for a while.
    pub fn finish(&self, patience: Duration) {
        let list = locked(&self.0.list);
        let _ = self
            .0
            .fewer
            .wait_timeout_while(list, patience, |list| !list.under_way.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
    }
}
