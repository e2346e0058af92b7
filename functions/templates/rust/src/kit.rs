//! The author's kit: data as JSON, replies, events, what a function may reach, and every error as a failure, so that `?` is
//! all that a function needs. What is not used is not asked for: the file that is built imports what it calls.

#![allow(dead_code)]

use crate::headgate::function::types::{Body, Event, Failure, Fault, FaultKind, Payload, Response, Retry};
use crate::headgate::function::{call as calling, messaging};
use crate::wasi::config::store as settings;
use crate::wasi::keyvalue::{atomics, store as stores};
use serde_json::Value;
use std::fmt::Debug;

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

    /// Another attempt, when the back-off of the route says.
    pub fn again(message: impl Into<String>) -> Self {
        Fail::TryAgain { message: message.into(), after_ms: None }
    }

    /// What the host answered with in place of a value.
    fn host(doing: &str, on: &str, error: impl Debug) -> Self {
        Fail::again(format!("{doing} \"{on}\": {error:?}"))
    }
}

/// Every other error is another attempt.
impl<E: std::error::Error> From<E> for Fail {
    fn from(error: E) -> Self {
        Fail::again(error.to_string())
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

/// Answers with JSON; push what `emit` makes to its `events`.
pub fn json(value: &Value) -> Response {
    let data = Body::Text(value.to_string());
    let datacontenttype = Some("application/json".into());
    Response { reply: Some(Payload { data, datacontenttype, status: None }), events: Vec::new() }
}

/// An event to emit, with JSON data; `id` must be stable across attempts of the same event.
pub fn emit(source: &str, type_: &str, id: &str, value: &Value) -> Event {
    Event {
        id: id.into(),
        source: source.into(),
        type_: type_.into(),
        subject: None,
        time: None,
        datacontenttype: Some("application/json".into()),
        dataschema: None,
        extensions: Vec::new(),
        data: Some(Body::Text(value.to_string())),
    }
}

/// The gateway's log.
pub mod log {
    use crate::headgate::function::log::{Level, log};

    pub fn debug(message: &str) {
        log(Level::Debug, message);
    }
    pub fn info(message: &str) {
        log(Level::Info, message);
    }
    pub fn warn(message: &str) {
        log(Level::Warn, message);
    }
    pub fn error(message: &str) {
        log(Level::Error, message);
    }
}

/// A value of `allow: { config: ... }`; none when there is none of that name.
pub fn config(name: &str) -> Result<Option<String>, Fail> {
    settings::get(name).map_err(|error| Fail::host("config", name, error))
}

/// A store of `allow: { kv: [...] }`: it outlives the function, and all of its instances share it.
pub struct Store {
    bucket: stores::Bucket,
    name: String,
}

impl Store {
    pub fn open(name: &str) -> Result<Self, Fail> {
        let bucket = stores::open(name).map_err(|error| Fail::host("store", name, error))?;
        Ok(Store { bucket, name: name.into() })
    }

    fn failed(&self, what: &str, key: &str, error: impl Debug) -> Fail {
        Fail::host(&format!("store \"{}\": {what}", self.name), key, error)
    }

    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fail> {
        self.bucket.get(key).map_err(|error| self.failed("get", key, error))
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, Fail> {
        Ok(self.get(key)?.map(String::from_utf8).transpose()?)
    }

    pub fn json(&self, key: &str) -> Result<Option<Value>, Fail> {
        Ok(self.get(key)?.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// Once it returns the value is on disk.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), Fail> {
        self.bucket.set(key, value.as_ref()).map_err(|error| self.failed("set", key, error))
    }

    pub fn set_json(&self, key: &str, value: &Value) -> Result<(), Fail> {
        self.set(key, value.to_string())
    }

    pub fn has(&self, key: &str) -> Result<bool, Fail> {
        self.bucket.exists(key).map_err(|error| self.failed("has", key, error))
    }

    pub fn delete(&self, key: &str) -> Result<(), Fail> {
        self.bucket.delete(key).map_err(|error| self.failed("delete", key, error))
    }

    /// Adds to a decimal number, in one step for whoever else does, and returns the sum.
    pub fn increment(&self, key: &str, by: i64) -> Result<i64, Fail> {
        atomics::increment(&self.bucket, key, by).map_err(|error| self.failed("increment", key, error))
    }

    pub fn keys(&self) -> Result<Vec<String>, Fail> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.bucket.list_keys(cursor.as_deref()).map_err(|error| self.failed("keys", "", error))?;
            all.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }
}

/// Publishes JSON to a topic of `allow: { messaging: { publish: [...] } }`.
pub fn publish(topic: &str, value: &Value) -> Result<(), Fail> {
    messaging::publish(&message(topic, value)).map_err(|error| Fail::host("publish to", topic, error))
}

/// Asks the route that takes a topic of `allow: { messaging: { request: [...] } }`, and returns its answer.
pub fn request(topic: &str, value: &Value, timeout_ms: Option<u64>) -> Result<Value, Fail> {
    let answer = messaging::request(&message(topic, value), timeout_ms);
    value_of(answer.map_err(|error| Fail::host("request to", topic, error))?)
}

/// Calls another function of `allow: { call: [...] }` with parameters, and returns its reply.
pub fn call(function: &str, parameters: &Value) -> Result<Value, Fail> {
    let answer = calling::call(function, &parameters.to_string());
    value_of(answer.map_err(|error| Fail::host("call of", function, error))?)
}

fn message(topic: &str, value: &Value) -> messaging::Message {
    let data = Body::Text(value.to_string());
    messaging::Message { topic: topic.into(), data, datacontenttype: Some("application/json".into()) }
}

/// What is no JSON is a text.
fn value_of(payload: Payload) -> Result<Value, Fail> {
    let text = match payload.data {
        Body::Text(text) => text,
        Body::Binary(bytes) => String::from_utf8(bytes)?,
    };
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Requests to where `allow: { http: [...] }` lets them. No redirect is followed; who waits keeps no thread.
pub mod http {
    use super::Fail;
    use crate::wasi::http::outgoing_handler::handle;
    use crate::wasi::http::types::{Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
    use crate::wasi::io::streams::StreamError;
    use serde_json::Value;

    /// It is there as a whole.
    pub struct Answer {
        pub status: u16,
        pub headers: Vec<(String, Vec<u8>)>,
        pub body: Vec<u8>,
        url: String,
    }

    impl Answer {
        /// Another attempt when its status is no success.
        pub fn ok(self) -> Result<Self, Fail> {
            match self.status {
                200..=299 => Ok(self),
                status => Err(Fail::again(format!("\"{}\" answered with {status}", self.url))),
            }
        }

        pub fn text(&self) -> Result<&str, Fail> {
            Ok(std::str::from_utf8(&self.body)?)
        }

        pub fn json(&self) -> Result<Value, Fail> {
            Ok(serde_json::from_slice(&self.body)?)
        }
    }

    pub fn get(url: &str) -> Result<Answer, Fail> {
        send("GET", url, &[], &[])
    }

    pub fn post_json(url: &str, value: &Value) -> Result<Answer, Fail> {
        send("POST", url, &[("content-type", "application/json")], value.to_string().as_bytes())
    }

    pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Fail> {
        let failed = |what: String| Fail::again(format!("{method} \"{url}\": {what}"));
        let request = request_of(method, url, headers).map_err(failed)?;
        let sent = request.body().map_err(|()| failed("it has no body".into()))?;
        let answer = handle(request, None).map_err(|code| failed(format!("{code:?}")))?;
        if !body.is_empty() {
            let stream = sent.write().map_err(|()| failed("its body is written".into()))?;
            for part in body.chunks(4096) {
                stream.blocking_write_and_flush(part).map_err(|error| failed(format!("{error:?}")))?;
            }
        }
        OutgoingBody::finish(sent, None).map_err(|code| failed(format!("{code:?}")))?;
        answer.subscribe().block();
        match answer.get() {
            Some(Ok(Ok(response))) => Ok(received(response, url)?),
            Some(Ok(Err(code))) => Err(failed(format!("{code:?}"))),
            _ => Err(failed("there is no answer".into())),
        }
    }

    fn request_of(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<OutgoingRequest, String> {
        let (scheme, rest) = match url.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err("it is no URL of http or https".into()),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.starts_with('/') { path.into() } else { format!("/{path}") };
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        let request = OutgoingRequest::new(Fields::from_list(&headers).map_err(|error| format!("its headers: {error:?}"))?);
        let wrong = |()| String::from("it is no request");
        request.set_method(&method_of(method)).map_err(wrong)?;
        request.set_scheme(Some(&scheme)).map_err(wrong)?;
        request.set_authority(Some(authority)).map_err(wrong)?;
        request.set_path_with_query(Some(&path)).map_err(wrong)?;
        Ok(request)
    }

    fn method_of(method: &str) -> Method {
        match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            other => Method::Other(other.into()),
        }
    }

    fn received(response: IncomingResponse, url: &str) -> Result<Answer, Fail> {
        let broken = |what: &str| Fail::again(format!("\"{url}\": {what}"));
        let incoming = response.consume().map_err(|()| broken("its answer has no body"))?;
        let stream = incoming.stream().map_err(|()| broken("its answer has no body"))?;
        let mut body = Vec::new();
        loop {
            match stream.blocking_read(65_536) {
                Ok(part) => body.extend(part),
                Err(StreamError::Closed) => break,
                Err(_) => return Err(broken("its answer broke off")),
            }
        }
        drop(stream);
        IncomingBody::finish(incoming);
        Ok(Answer { status: response.status(), headers: response.headers().entries(), body, url: url.into() })
    }
}
