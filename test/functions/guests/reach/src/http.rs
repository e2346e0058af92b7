//! One request, by `wasi:http` alone.

use ::wasi::http::outgoing_handler::handle;
use ::wasi::http::types::{Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme};
use ::wasi::io::streams::StreamError;

fn shown<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

/// `url` has no path but a slash and what follows it.
pub fn send(method: &str, url: &str, data: &[u8]) -> Result<String, String> {
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers = Fields::from_list(&[("x-from".to_string(), b"reach".to_vec())]).map_err(shown)?;
    let request = OutgoingRequest::new(headers);
    let method = if method == "get" { Method::Get } else { Method::Other(method.to_uppercase()) };
    request.set_method(&method).map_err(shown)?;
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).map_err(shown)?;
    request.set_authority(Some(authority)).map_err(shown)?;
    request.set_path_with_query(Some(&format!("/{path}"))).map_err(shown)?;
    let body = request.body().map_err(shown)?;
    let future = handle(request, None).map_err(shown)?;
    if !data.is_empty() {
        let stream = body.write().map_err(shown)?;
        for part in data.chunks(4096) {
            stream.blocking_write_and_flush(part).map_err(shown)?;
        }
        drop(stream);
    }
    OutgoingBody::finish(body, None).map_err(shown)?;
    future.subscribe().block();
    let response = future.get().ok_or("not there")?.map_err(|()| "taken")?.map_err(shown)?;
    let status = response.status();
    let kind = response.headers().get("content-type").pop().unwrap_or_default();
    let body = response.consume().map_err(shown)?;
    let stream = body.stream().map_err(shown)?;
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(65536) {
            Ok(part) => all.extend(part),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(shown(error)),
        }
    }
    drop(stream);
    IncomingBody::finish(body);
    Ok(format!("{status} {} {}", String::from_utf8_lossy(&kind), String::from_utf8_lossy(&all)))
}
