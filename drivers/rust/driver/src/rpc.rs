//! JSON-RPC 2.0 messages, without I/O.

use serde_json::{json, Map, Value};

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;
const DRIVER_ERROR: i32 = -32000;

/// A call that wants an answer.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub id: Value,
    pub method: String,
    pub params: Value,
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    Request(Request),
    /// No request, with what to answer.
    Malformed(Value),
    /// A notification: nobody waits for an answer.
    Ignored,
}

/// Why a request has no result.
#[derive(Debug, PartialEq)]
pub struct Failure {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Failure {
    /// The implementation refused, with a canonical code.
    pub fn driver(code: &str, message: impl Into<String>) -> Self {
        Self::driver_with(code, message, Map::new())
    }

    /// The same, with the values involved.
    pub fn driver_with(code: &str, message: impl Into<String>, details: Map<String, Value>) -> Self {
        let data = Some(json!({ "code": code, "details": details }));
        Self { code: DRIVER_ERROR, message: message.into(), data }
    }

    pub fn unknown_verb(verb: &str) -> Self {
        Self { code: METHOD_NOT_FOUND, message: format!("there is no verb {verb:?}"), data: None }
    }

    /// A verb panicked; stderr has the place.
    pub fn bug(verb: &str) -> Self {
        Self { code: INTERNAL_ERROR, message: format!("Internal error: {verb} panicked"), data: None }
    }

    pub fn params(message: impl Into<String>) -> Self {
        Self { code: INVALID_PARAMS, message: format!("Invalid params: {}", message.into()), data: None }
    }

    /// The canonical code, if the implementation gave one.
    #[cfg(test)]
    pub fn canonical(&self) -> Option<&str> {
        self.data.as_ref()?.get("code")?.as_str()
    }

    /// The same, told with another limit.
    pub fn late(mut self, message: String, seconds: f64) -> Self {
        self.message = message;
        if let Some(details) = self.data.as_mut().and_then(|data| data.get_mut("details")) {
            details["seconds"] = Value::from(seconds);
        }
        self
    }

    /// The same with words before the message.
    pub fn after(mut self, words: &str) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }
}

impl From<zerobuffer::Error> for Failure {
    fn from(error: zerobuffer::Error) -> Self {
        if matches!(error.kind(), zerobuffer::ErrorKind::InvalidConfig) {
            return Self::params(format!("\"metadata\" and \"payload\": {error}"));
        }
        let plain = |value| match value {
            zerobuffer::Value::Number(number) => Value::from(number),
            zerobuffer::Value::Text(text) => Value::from(text),
        };
        let details =
            error.values().into_iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
        Self::driver_with(error.code(), error.to_string(), details)
    }
}

/// Makes an answer.
pub fn answer(id: &Value, outcome: Result<Value, Failure>) -> Value {
    match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Failure { code, message, data: None }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
        Err(Failure { code, message, data }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message, "data": data } })
        }
    }
}

pub fn parse_error(cause: &str) -> Value {
    malformed(&Value::Null, PARSE_ERROR, format!("Parse error: {cause}"))
}

fn malformed(id: &Value, code: i32, message: String) -> Value {
    answer(id, Err(Failure { code, message, data: None }))
}

/// Reads one message.
pub fn decode(body: &[u8]) -> Incoming {
    let mut message = match serde_json::from_slice(body) {
        Ok(Value::Object(message)) => message,
        Ok(_) => return invalid(&Value::Null, "a message is a JSON object, and batches are not supported"),
        Err(error) => return Incoming::Malformed(parse_error(&error.to_string())),
    };
    let id = message.remove("id");
    if !matches!(id, None | Some(Value::Null | Value::Number(_) | Value::String(_))) {
        return invalid(&Value::Null, "'id' must be a number, a string or null");
    }
    let known = id.clone().unwrap_or_default();
    if message.get("jsonrpc") != Some(&Value::from("2.0")) {
        return invalid(&known, "'jsonrpc' must be \"2.0\"");
    }
    let Some(Value::String(method)) = message.remove("method") else {
        return invalid(&known, "'method' must be a string");
    };
    match id {
        Some(id) => {
            Incoming::Request(Request { id, method, params: message.remove("params").unwrap_or_default() })
        }
        None => Incoming::Ignored,
    }
}

fn invalid(id: &Value, cause: &str) -> Incoming {
    Incoming::Malformed(malformed(id, INVALID_REQUEST, format!("Invalid Request: {cause}")))
}

/// The one object of the params, whether given by position or bare; none is an empty one.
pub fn first_object(params: Value) -> Result<Map<String, Value>, Failure> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(object) => Ok(object),
        Value::Array(mut values) if values.len() <= 1 => match values.pop() {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Failure::params("one object is expected")),
        },
        _ => Err(Failure::params("one object is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(incoming: &Incoming) -> Option<i64> {
        match incoming {
            Incoming::Malformed(answer) => answer["error"]["code"].as_i64(),
            _ => None,
        }
    }

    #[test]
    fn requests_are_read() {
        let expected = Request { id: json!(1), method: "hello".into(), params: json!([{}]) };
        assert_eq!(
            decode(br#"{"jsonrpc":"2.0","id":1,"method":"hello","params":[{}]}"#),
            Incoming::Request(expected)
        );
    }

    #[test]
    fn what_is_no_request_is_answered_by_its_kind() {
        assert_eq!(code(&decode(b"{")), Some(-32700));
        assert_eq!(code(&decode(b"\xff")), Some(-32700));
        assert_eq!(code(&decode(b"[]")), Some(-32600));
        assert_eq!(code(&decode(br#"{"id":1,"method":"hello"}"#)), Some(-32600));
        assert_eq!(code(&decode(br#"{"jsonrpc":"2.0","id":1}"#)), Some(-32600));
        assert_eq!(code(&decode(br#"{"jsonrpc":"2.0","id":{},"method":"hello"}"#)), Some(-32600));
        assert_eq!(decode(br#"{"jsonrpc":"2.0","method":"hello"}"#), Incoming::Ignored);
    }

    #[test]
    fn params_are_one_object() {
        assert!(first_object(json!(null)).expect("none").is_empty());
        assert!(first_object(json!([])).expect("none").is_empty());
        assert_eq!(first_object(json!([{"a": 1}])).expect("one")["a"], 1);
        assert_eq!(first_object(json!({"a": 1})).expect("bare")["a"], 1);
        for wrong in [json!([1]), json!([{}, {}]), json!("x")] {
            assert_eq!(first_object(wrong).expect_err("not one object").code, -32602);
        }
    }

    #[test]
    fn an_error_carries_its_canonical_code_and_values() {
        let error = zerobuffer::Writer::connect("a/b", std::time::Duration::ZERO).expect_err("no name");
        let answer = answer(&json!(3), Err(error.into()));
        assert_eq!(answer["error"]["code"], -32000);
        assert_eq!(answer["error"]["data"]["code"], "invalid_name");
        assert_eq!(answer["error"]["data"]["details"]["name"], "a/b");
    }
}
