//! The verbs by which a driver says what it is and what it is doing.

use std::fs;
use std::path::Path;

use serde_json::{json, Map, Value};

use crate::jobs::{Job, Jobs};
use crate::params::Params;
use crate::rpc::Failure;
use crate::table::Table;

const CONTRACT: &str = "1.0";
const THREADS: &str = "/proc/self/task";

pub fn hello(_: &Table, _: &Params) -> Result<Value, Failure> {
    Ok(json!({
        "protocol": CONTRACT,
        "language": "rust",
        "implementation": "zerobuffer-rust",
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "capabilities": ["duplex", "linux", "points"],
        "layout": layout(),
    }))
}

fn layout() -> Map<String, Value> {
    let plain = |structure: zerobuffer::Structure| {
        let fields: Map<_, _> = structure
            .fields
            .into_iter()
            .map(|field| (field.name.to_owned(), json!([field.offset, field.size])))
            .collect();
        (structure.name.to_owned(), json!({ "size": structure.size, "fields": fields }))
    };
    zerobuffer::layout().into_iter().map(plain).collect()
}

pub fn health(_: &Table, _: &Params) -> Result<Value, Failure> {
    Ok(Value::Bool(true))
}

/// The requests under way beside this one, and where every thread stands.
pub fn dump(jobs: &Jobs, this: &Job) -> Value {
    let requests: Vec<_> = jobs
        .others(this)
        .into_iter()
        .map(|other| json!({ "id": other.id, "verb": other.verb, "seconds": other.age.as_secs_f64() }))
        .collect();
    json!({ "requests": requests, "threads": threads() })
}

/// What the kernel says of every thread: no unwinder is at hand for threads other than this one.
fn threads() -> Vec<Value> {
    let Ok(tasks) = fs::read_dir(THREADS) else { return Vec::new() };
    tasks.flatten().map(|task| thread(&task.path())).collect()
}

/// A thread that has just ended says nothing any more.
fn thread(task: &Path) -> Value {
    let read = |file| fs::read_to_string(task.join(file)).unwrap_or_default().trim_end().to_owned();
    let number = task.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let status = read("status");
    let state = status.lines().find(|line| line.starts_with("State:")).unwrap_or_default();
    let stack = format!("{state}\nwchan: {}\nsyscall: {}", read("wchan"), read("syscall"));
    json!({ "name": format!("{} ({number})", read("comm")), "stack": stack })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_tells_of_other_requests_and_of_all_threads() {
        let jobs = Jobs::default();
        let (other, this) = (jobs.begin(json!(7), "read"), jobs.begin(json!(8), "dump"));
        let seen = dump(&jobs, &this);
        assert_eq!(seen["requests"][0]["id"], 7);
        assert_eq!(seen["requests"][0]["verb"], "read");
        assert_eq!(seen["requests"].as_array().map(Vec::len), Some(1));
        assert!(seen["threads"].as_array().is_some_and(|threads| !threads.is_empty()));
        drop(other);
        assert_eq!(dump(&jobs, &this)["requests"], json!([]));
    }
}
