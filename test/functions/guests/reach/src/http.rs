//! One request, by `wasi:http` alone.

use ::wasi::http::outgoing_handler::handle;
use ::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use ::wasi::io::streams::StreamError;

fn shown<E: std::fmt::Debug>(error: E) -> String {
    format!("{error:?}")
}

/// A request whose answer nobody waits for.
pub fn begin(url: &str) -> Result<FutureIncomingResponse, String> {
    let request = asking(url, &[])?;
    handle(request, None).map_err(shown)
}

/// What would be another request, or one to another host, if its headers were sent as they are.
pub fn smuggle(url: &str) -> Result<String, String> {
    let headers = [
        ("host", "other.example"),
        ("Host", "again.example"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "keep-alive, x-kept"),
        ("te", "trailers"),
        ("trailer", "x-late"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
        ("proxy-authorization", "Basic eDp5"),
        ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ("__proto__", "a"),
        ("constructor", "b"),
        ("x-kept", "c"),
    ];
    let request = asking(url, &headers)?;
    let body = request.body().map_err(shown)?;
    let future = handle(request, None).map_err(shown)?;
    let stream = body.write().map_err(shown)?;
    stream.blocking_write_and_flush(b"0\r\n\r\nGET /second HTTP/1.1\r\nhost: other.example\r\n\r\n").map_err(shown)?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(shown)?;
    future.subscribe().block();
    let response = future.get().ok_or("not there")?.map_err(|()| "taken")?.map_err(shown)?;
    Ok(response.status().to_string())
}

fn asking(url: &str, headers: &[(&str, &str)]) -> Result<OutgoingRequest, String> {
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let request = OutgoingRequest::new(Fields::from_list(&headers).map_err(shown)?);
    request.set_method(&if headers.is_empty() { Method::Get } else { Method::Post }).map_err(shown)?;
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).map_err(shown)?;
    request.set_authority(Some(authority)).map_err(shown)?;
    request.set_path_with_query(Some(&format!("/{path}"))).map_err(shown)?;
    Ok(request)
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
