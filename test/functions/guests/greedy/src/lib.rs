//! Passes its host much more than it has: the event's type says what and through which import, the subject how many and how long.

wit_bindgen::generate!({ path: "../../../../functions/wit", world: "full", generate_all });

use crate::wasi::config::store as config;
use crate::wasi::keyvalue::{batch, store};
use crate::wasi::logging::logging;
use ::wasi::filesystem::preopens::get_directories;
use ::wasi::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use ::wasi::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme};
use headgate::function::call::call;
use headgate::function::log;
use headgate::function::messaging::{self, Message};
use headgate::function::types::{Body, Payload, Retry};
use std::mem::ManuallyDrop;

struct Greedy;

fn shown<E: std::fmt::Debug>(error: E) -> String {
    let mut text = format!("{error:?}");
    text.truncate(300);
    text
}

/// So many vectors that are all the same bytes.
fn aliases(count: usize, bytes: &[u8]) -> Vec<ManuallyDrop<Vec<u8>>> {
    (0..count)
        .map(|_| ManuallyDrop::new(unsafe { Vec::from_raw_parts(bytes.as_ptr().cast_mut(), bytes.len(), bytes.len()) }))
        .collect()
}

/// The same as texts.
fn texts(count: usize, bytes: &[u8]) -> Vec<String> {
    aliases(count, bytes).into_iter().map(|one| unsafe { String::from_utf8_unchecked(ManuallyDrop::into_inner(one)) }).collect()
}

fn folder() -> Result<Descriptor, String> {
    Ok(get_directories().into_iter().next().ok_or("no folder")?.0)
}

fn file(name: &str) -> Result<Descriptor, String> {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    folder()?.open_at(PathFlags::empty(), name, OpenFlags::CREATE, flags).map_err(shown)
}

fn pass(what: &str, count: usize, region: &[u8]) -> Result<String, String> {
    let text = unsafe { std::str::from_utf8_unchecked(region) };
    let bucket = || store::open("things").map_err(shown);
    let message = |topic: &str, data| Message { topic: topic.into(), data, datacontenttype: None };
    match what {
        "kv.open" => store::open(text).map(|_| "open".into()).map_err(shown),
        "kv.get" => bucket()?.get(text).map(|value| value.map_or(0, |value| value.len()).to_string()).map_err(shown),
        "kv.set" => bucket()?.set("a", region).map(|()| "set".into()).map_err(shown),
        "kv.set-key" => bucket()?.set(text, b"v").map(|()| "set".into()).map_err(shown),
        "kv.keys" => bucket()?.list_keys(Some(text)).map(|page| page.keys.len().to_string()).map_err(shown),
        "kv.values" => {
            let pairs: Vec<_> = aliases(count, region)
                .into_iter()
                .enumerate()
                .map(|(index, value)| (index.to_string(), ManuallyDrop::into_inner(value)))
                .collect();
            let done = batch::set_many(&bucket()?, &pairs).map(|()| "set".into()).map_err(shown);
            std::mem::forget(pairs);
            done
        }
        "kv.many-keys" | "kv.delete" => {
            let keys = texts(count, region);
            let done = if what == "kv.delete" {
                batch::delete_many(&bucket()?, &keys).map(|()| "deleted".into()).map_err(shown)
            } else {
                batch::get_many(&bucket()?, &keys).map(|found| found.len().to_string()).map_err(shown)
            };
            std::mem::forget(keys);
            done
        }
        "publish.topic" => messaging::publish(&message(text, Body::Text("x".into()))).map(|()| "published".into()).map_err(shown),
        "publish.text" | "publish.bytes" | "publish.type" | "request.text" => {
            let same = texts(2, region);
            let [one, two] = <[String; 2]>::try_from(same).unwrap_or_default();
            let data = if what == "publish.bytes" { Body::Binary(one.into_bytes()) } else { Body::Text(one) };
            let datacontenttype = (what == "publish.type").then_some(two);
            let message = ManuallyDrop::new(Message { topic: "t".into(), data, datacontenttype });
            if what == "request.text" {
                messaging::request(&message, None).map(shown).map_err(shown)
            } else {
                messaging::publish(&message).map(|()| "published".into()).map_err(shown)
            }
        }
        "call" => call("other", text).map(shown).map_err(shown),
        "call.name" => call(text, "1").map(shown).map_err(shown),
        "call.both" => call(text, text).map(shown).map_err(shown),
        "config" => config::get(text).map(|value| value.map_or(0, |value| value.len()).to_string()).map_err(shown),
        "config.all" => config::get_all().map(|all| all.len().to_string()).map_err(shown),
        "log" => {
            log::log(log::Level::Info, text);
            Ok("logged".into())
        }
        "logging" => {
            logging::log(logging::Level::Info, text, "");
            Ok("logged".into())
        }
        "logging.both" => {
            logging::log(logging::Level::Info, text, text);
            Ok("logged".into())
        }
        "stdout" | "stderr" => {
            let out = if what == "stdout" { ::wasi::cli::stdout::get_stdout() } else { ::wasi::cli::stderr::get_stderr() };
            for _ in 0..count {
                out.write(region).map_err(shown)?;
            }
            Ok("written".into())
        }
        "headers" => {
            let values: Vec<_> = aliases(count, region)
                .into_iter()
                .map(|value| ("x-a".to_string(), ManuallyDrop::into_inner(value)))
                .collect();
            let made = Fields::from_list(&values).map(|_| "made".into()).map_err(shown);
            std::mem::forget(values);
            made
        }
        "header-names" => {
            let names: Vec<_> = texts(count, region).into_iter().map(|name| (name, Vec::new())).collect();
            let made = Fields::from_list(&names).map(|_| "made".into()).map_err(shown);
            std::mem::forget(names);
            made
        }
        "header-values" => {
            let values: Vec<_> = aliases(count, region).into_iter().map(ManuallyDrop::into_inner).collect();
            let set = Fields::new().set("x-a", &values).map(|()| "set".into()).map_err(shown);
            std::mem::forget(values);
            set
        }
        // Messages with as many headers as one may have, each as short as it may be.
        "empty-headers" => {
            for _ in 0..count {
                let fields = Fields::from_list(&vec![("a".to_string(), Vec::new()); 1000]).map_err(shown)?;
                std::mem::forget(fields);
            }
            Ok("kept".into())
        }
        "request.path" | "request.method" | "request.host" => {
            let request = OutgoingRequest::new(Fields::new());
            request.set_scheme(Some(&Scheme::Https)).ok();
            let set = match what {
                "request.path" => request.set_path_with_query(Some(text)),
                "request.method" => request.set_method(&Method::Other(text.into())),
                _ => request.set_authority(Some(text)),
            };
            set.map(|()| "set".into()).map_err(shown)
        }
        "body" => {
            let request = OutgoingRequest::new(Fields::new());
            let body = request.body().map_err(shown)?;
            let stream = body.write().map_err(shown)?;
            for _ in 0..count {
                stream.write(region).map_err(shown)?;
            }
            drop(stream);
            OutgoingBody::finish(body, None).map_err(shown)?;
            Ok("written".into())
        }
        // Bodies of kibibytes that are each written in a large and some tiny parts.
        "crumbs" => {
            for _ in 0..count.div_ceil(8_192) {
                let request = OutgoingRequest::new(Fields::new());
                let body = request.body().map_err(shown)?;
                let stream = body.write().map_err(shown)?;
                for _ in 0..count.min(8_192) {
                    stream.write(&[1; 960]).map_err(shown)?;
                    for _ in 0..16 {
                        stream.write(&[2; 4]).map_err(shown)?;
                    }
                }
                std::mem::forget((request, body, stream));
            }
            Ok("kept".into())
        }
        "file.open" => folder()?.open_at(PathFlags::empty(), text, OpenFlags::empty(), DescriptorFlags::READ).map(|_| "open".into()).map_err(shown),
        "file.make" => folder()?.create_directory_at(text).map(|()| "made".into()).map_err(shown),
        "file.stat" => folder()?.stat_at(PathFlags::SYMLINK_FOLLOW, text).map(|_| "there".into()).map_err(shown),
        "file.rename" => folder()?.rename_at(text, &folder()?, text).map(|()| "renamed".into()).map_err(shown),
        "file.link" => folder()?.symlink_at(text, text).map(|()| "linked".into()).map_err(shown),
        "file.write" => {
            let file = file("written")?;
            for _ in 0..count {
                file.write(region, 0).map_err(shown)?;
            }
            Ok("written".into())
        }
        "file.stream" => {
            let file = file("streamed")?;
            let stream = file.write_via_stream(0).map_err(shown)?;
            for _ in 0..count {
                stream.write(region).map_err(shown)?;
            }
            Ok("written".into())
        }
        "file.read" => {
            let file = file("read")?;
            let mut bytes = 0;
            for _ in 0..count {
                bytes += file.read(u64::MAX, 0).map_err(shown)?.0.len();
                bytes += file.read_via_stream(0).map_err(shown)?.blocking_read(u64::MAX).map_or(0, |part| part.len());
            }
            Ok(bytes.to_string())
        }
        // Folders that are read to their ends, so many times; the last streams stay open.
        "file.list" => {
            let mut entries = 0;
            for _ in 0..count {
                let stream = folder()?.read_directory().map_err(shown)?;
                while stream.read_directory_entry().map_err(shown)?.is_some() {
                    entries += 1;
                }
                std::mem::forget(stream);
            }
            Ok(entries.to_string())
        }
        _ => Err(format!("no {what}")),
    }
}

impl Guest for Greedy {
    fn handle(event: Event, _context: Context) -> Result<Response, Failure> {
        let subject = event.subject.unwrap_or_default();
        let (count, length) = subject.split_once(' ').unwrap_or((&subject, "0"));
        let (length, fill) = length.split_once(' ').unwrap_or((length, "a"));
        let region = fill.repeat(length.parse().unwrap_or(0));
        match pass(&event.type_, count.parse().unwrap_or(1), region.as_bytes()) {
            Ok(text) => {
                let reply = Payload { data: Body::Text(text), datacontenttype: Some("text/plain".into()), status: None };
                Ok(Response { reply: Some(reply), events: Vec::new() })
            }
            Err(message) => Err(Failure::Retry(Retry { message, after_ms: None })),
        }
    }
}

export!(Greedy);
