//! Asks its host for what the event's type says; the subject says of whom, the data are what it sends.

wit_bindgen::generate!({ path: "../../../../functions/wit", world: "full", generate_all });

use headgate::function::call::call;
use headgate::function::host_types::Error;
use headgate::function::messaging::{self, Message};
use headgate::function::types::{Body, Payload, Retry};
use crate::wasi::config::store as config;
use crate::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::wasi::keyvalue::batch;
use crate::wasi::keyvalue::store::{self, Bucket};
use crate::wasi::logging::logging;

mod http;

struct Reach;

/// What follows the first word of a text.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn shown<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

fn text(value: Option<Vec<u8>>) -> String {
    value.map_or("none".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes(data: Option<Body>) -> Vec<u8> {
    match data {
        Some(Body::Text(text)) => text.into_bytes(),
        Some(Body::Binary(bytes)) => bytes,
        None => Vec::new(),
    }
}

fn payload(answer: Result<Payload, Error>) -> Result<String, String> {
    answer.map(|answer| String::from_utf8_lossy(&bytes(Some(answer.data))).into_owned()).map_err(shown)
}

/// `<store> <key>` is the subject of all of these.
fn keyvalue(what: &str, subject: &str, data: Vec<u8>) -> Result<String, String> {
    let (name, key) = split(subject);
    let bucket: Bucket = store::open(name).map_err(shown)?;
    match what {
        "get" => bucket.get(key).map(text).map_err(shown),
        "set" => bucket.set(key, &data).map(|()| "set".into()).map_err(shown),
        "delete" => bucket.delete(key).map(|()| "deleted".into()).map_err(shown),
        "exists" => bucket.exists(key).map(|there| there.to_string()).map_err(shown),
        "keys" => {
            let mut keys = Vec::new();
            let mut cursor = None;
            loop {
                let page = bucket.list_keys(cursor.as_deref()).map_err(shown)?;
                keys.extend(page.keys);
                cursor = page.cursor;
                if cursor.is_none() {
                    return Ok(keys.join(" "));
                }
            }
        }
        "increment" => {
            let by = String::from_utf8_lossy(&data).parse().unwrap_or(1);
            atomics::increment(&bucket, key, by).map(|sum| sum.to_string()).map_err(shown)
        }
        // Another writes between the reading and the swap when there is data.
        "swap" => {
            let cas = Cas::new(&bucket, key).map_err(shown)?;
            let was = text(cas.current().map_err(shown)?);
            if !data.is_empty() {
                bucket.set(key, &data).map_err(shown)?;
            }
            match atomics::swap(cas, b"swapped") {
                Ok(()) => Ok(format!("was {was}")),
                Err(CasError::CasFailed(now)) => {
                    let now = text(now.current().map_err(shown)?);
                    Ok(format!("failed: was {was}, is {now}"))
                }
                Err(CasError::StoreError(error)) => Err(shown(error)),
            }
        }
        "many" => {
            let pairs: Vec<_> = key.split(' ').map(|key| (key.to_string(), data.clone())).collect();
            let keys: Vec<_> = pairs.iter().map(|(key, _)| key.clone()).chain(["absent".into()]).collect();
            batch::set_many(&bucket, &pairs).map_err(shown)?;
            let found = batch::get_many(&bucket, &keys).map_err(shown)?;
            batch::delete_many(&bucket, &keys).map_err(shown)?;
            Ok(found.into_iter().map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(" "))
        }
        // So many pairs of nothing.
        "empty" => {
            let count = String::from_utf8_lossy(&data).parse().unwrap_or(0);
            let pairs = vec![(String::new(), Vec::new()); count];
            batch::set_many(&bucket, &pairs).map(|()| "set".into()).map_err(shown)
        }
        // Waits for its store again and again, for ever.
        "forever" => loop {
            bucket.get(key).map_err(shown)?;
        },
        _ => Err(format!("no {what}")),
    }
}

fn reach(event: &Event, context: &Context, data: Vec<u8>) -> Result<String, String> {
    let subject = event.subject.as_deref().unwrap_or_default();
    let (what, how) = event.type_.split_once('.').unwrap_or((&event.type_, ""));
    // A direct call has what it is to do as its parameters.
    let what = match &context.parameters {
        Some(parameters) if event.type_ == "headgate.call" => parameters.trim_matches('"'),
        _ => what,
    };
    let message = |data| Message { topic: subject.into(), data: Body::Binary(data), datacontenttype: None };
    match what {
        "kv" => keyvalue(how, subject, data),
        "config" if how == "all" => config::get_all().map(shown).map_err(shown),
        "config" => config::get(subject).map(shown).map_err(shown),
        "log" => {
            logging::log(logging::Level::Critical, subject, &String::from_utf8_lossy(&data));
            Ok("logged".into())
        }
        "publish" => messaging::publish(&message(data)).map(|()| "published".into()).map_err(shown),
        "request" => payload(messaging::request(&message(data), how.parse().ok())),
        // Calls itself with its own parameters, for ever.
        "chain" => payload(call(&context.function, context.parameters.as_deref().unwrap_or("null"))),
        "call" => payload(call(subject, &String::from_utf8_lossy(&data))),
        "http" if how == "smuggle" => http::smuggle(subject),
        // So many requests, none of which it waits for.
        "http" if how == "hang" || how == "leave" => {
            let (count, url) = split(subject);
            let waiting: Vec<_> =
                (0..count.parse().unwrap_or(0)).map(|_| http::begin(url)).collect::<Result<_, _>>()?;
            if how == "hang" {
                core::arch::wasm32::unreachable()
            }
            std::mem::forget(waiting);
            Ok("left".into())
        }
        // With 24 MiB of its own.
        "http" if how == "fat" => {
            std::hint::black_box(vec![1u8; 24 << 20].leak());
            http::send("get", subject, &[])
        }
        "http" => http::send(how, subject, &data),
        // The data say how many MiB it has meanwhile.
        "sleep" => {
            let mib: usize = String::from_utf8_lossy(&data).parse().unwrap_or(0);
            std::hint::black_box(vec![1u8; mib << 20].leak());
            std::thread::sleep(std::time::Duration::from_millis(subject.parse().unwrap_or(0)));
            Ok("slept".into())
        }
        // Leaves a file open fifty times, and waits.
        "hold" => {
            for _ in 0..50 {
                std::mem::forget(std::fs::File::open(subject).map_err(shown)?);
            }
            std::thread::sleep(std::time::Duration::from_secs(60));
            Ok("held".into())
        }
        "stack" => Ok(deeper(1).to_string()),
        "loop" => loop {
            std::hint::black_box(0);
        },
        _ => Ok("nothing".into()),
    }
}

/// Runs out of the engine's stack, and asks for something on the way there.
fn deeper(depth: u64) -> u64 {
    std::hint::black_box(config::get("a").is_ok());
    let again = std::hint::black_box(deeper as fn(u64) -> u64);
    again(depth + 1).wrapping_mul(3) + depth
}

impl Guest for Reach {
    fn handle(mut event: Event, context: Context) -> Result<Response, Failure> {
        let data = bytes(event.data.take());
        match reach(&event, &context, data) {
            Ok(text) => {
                let reply = Payload { data: Body::Text(text), datacontenttype: Some("text/plain".into()), status: None };
                Ok(Response { reply: Some(reply), events: Vec::new() })
            }
            Err(message) => Err(Failure::Retry(Retry { message, after_ms: None })),
        }
    }
}

export!(Reach);
