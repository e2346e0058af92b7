//! The author's kit: data as JSON, replies, and every error as a failure, so that `?` is all that a function needs.

use crate::headgate::function::types::{Body, Event, Failure, Fault, FaultKind, Payload, Response, Retry};
use serde_json::Value;

/// The ways to fail.
pub enum Fail {
    /// A dead letter at once: the same event would fail again.
    Rejected { kind: FaultKind, code: String, message: String },
    /// Another attempt, not before `after_ms`.
    TryAgain { message: String, after_ms: Option<u64> },
}

impl Fail {
    /// Refuses what came in.
    pub fn validation(code: &str, message: &str) -> Self {
        Fail::Rejected { kind: FaultKind::Validation, code: code.into(), message: message.into() }
    }
}

/// Every other error is another attempt.
impl<E: std::error::Error> From<E> for Fail {
    fn from(error: E) -> Self {
        Fail::TryAgain { message: error.to_string(), after_ms: None }
    }
}

impl From<Fail> for Failure {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Rejected { kind, code, message } => Failure::Reject(Fault { kind, code, message }),
            Fail::TryAgain { message, after_ms } => Failure::Retry(Retry { message, after_ms }),
        }
    }
}

/// The event's data as JSON; null when there are none.
pub fn data_of(event: &Event) -> Result<Value, Fail> {
    let parsed = match &event.data {
        None => return Ok(Value::Null),
        Some(Body::Text(text)) => serde_json::from_str(text),
        Some(Body::Binary(bytes)) => serde_json::from_slice(bytes),
    };
    parsed.map_err(|error| Fail::validation("NOT_JSON", &format!("the data is not JSON: {error}")))
}

/// Answers with JSON.
pub fn json(value: &Value) -> Response {
    let data = Body::Text(value.to_string());
    let datacontenttype = Some("application/json".into());
    Response { reply: Some(Payload { data, datacontenttype, status: None }), events: Vec::new() }
}
