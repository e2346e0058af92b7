use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;

/// Straight from Spin's template, but that it answers with what it was asked.
#[http_component]
fn handle(req: Request) -> anyhow::Result<impl IntoResponse> {
    let kind = req.header("ce-type").and_then(|value| value.as_str()).unwrap_or("none").to_string();
    let body = format!("{} {} {} {}", req.method(), req.path_and_query().unwrap_or("?"), kind, String::from_utf8_lossy(req.body()));
    Ok(Response::builder().status(201).header("content-type", "text/plain").body(body).build())
}
