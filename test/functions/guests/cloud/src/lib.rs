//! A handler of `wasi:http` with what components of wasmCloud import: the older draft of `wasi:keyvalue`, and its messaging.

use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

mod imports {
    wit_bindgen::generate!({ path: "wit", world: "imports", generate_all });
}
use imports::wasi::keyvalue::{atomics, batch, store};
use imports::wasmcloud::messaging::{consumer, types::BrokerMessage};

struct Cloud;

fn shown<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `/<what>/<of whom>`.
fn answer(path: &str) -> Result<String, String> {
    let (what, of) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    match what {
        "visits" => {
            let bucket = store::open("visits").map_err(shown)?;
            atomics::increment(&bucket, of, 1).map(|visits| visits.to_string()).map_err(shown)
        }
        "many" => {
            let bucket = store::open("visits").map_err(shown)?;
            let pairs: Vec<_> = (0..1500).map(|n| (format!("{of}{n:04}"), vec![b'v'])).collect();
            batch::set_many(&bucket, &pairs).map_err(shown)?;
            let mut keys = 0;
            let mut pages = 0;
            let mut cursor = None;
            loop {
                let page = bucket.list_keys(cursor).map_err(shown)?;
                keys += page.keys.len();
                pages += 1;
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let found = batch::get_many(&bucket, &[format!("{of}0000"), "absent".into()]).map_err(shown)?;
            batch::delete_many(&bucket, &pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>()).map_err(shown)?;
            Ok(format!("{keys} keys on {pages} pages, {}", shown(found)))
        }
        "request" => consumer::request(of, b"ping", 2000).map(|message| text(message.body)),
        "publish" => {
            let message = BrokerMessage { subject: of.into(), body: b"news".to_vec(), reply_to: None };
            consumer::publish(&message).map(|()| "published".into())
        }
        _ => Ok("nothing".into()),
    }
}

impl Guest for Cloud {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (status, body) = match answer(&request.path_with_query().unwrap_or_default()) {
            Ok(body) => (200, body),
            Err(body) => (500, body),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).expect("it is a status");
        let outgoing = response.body().expect("its first body");
        ResponseOutparam::set(out, Ok(response));
        let stream = outgoing.write().expect("its first stream");
        stream.blocking_write_and_flush(body.as_bytes()).expect("it is open");
        drop(stream);
        OutgoingBody::finish(outgoing, None).expect("it is whole");
    }
}

wasi::http::proxy::export!(Cloud with_types_in wasi);
