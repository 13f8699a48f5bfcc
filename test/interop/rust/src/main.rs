//! The Rust client behind the protocol of test/interop/PROTOCOL.md.

mod clients;
mod message;
mod protocol;

use std::sync::Arc;

use clients::Clients;
use protocol::Request;
use serde_json::{json, Value};
use tokio::io::{stdin, AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() {
    let clients = Arc::new(Clients::default());
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tokio::spawn(serve(clients.clone(), line));
    }
    std::process::exit(0); // the clients' own tasks do not end by themselves
}

async fn serve(clients: Arc<Clients>, line: String) {
    let request = Request::parse(&line);
    let id = request.id().clone();
    let answer = tokio::spawn(async move { answer(&clients, &request).await }).await;
    // The client ends a task where others answer a failure.
    let answer = answer.unwrap_or_else(|panic| Err(protocol::failure("Panic", panic, None)));
    protocol::write(&match answer {
        Ok(result) => json!({"id": id, "result": result}),
        Err(error) => json!({"id": id, "error": error}),
    });
}

async fn answer(clients: &Clients, request: &Request) -> Result<Value, Value> {
    match request.text("op") {
        "hello" => Ok(json!({"client": "rocketmq (Rust)", "version": version()})),
        "producer" => clients.start_producer(request).await,
        "send" => clients.send(request).await,
        "end" => clients.end(request).await,
        "simple" => clients.start_simple(request).await,
        "receive" => clients.receive(request).await,
        "ack" => clients.ack(request).await,
        "close" => clients.close(request).await,
        op => Err(protocol::failure("NotSupported", op, None)),
    }
}

/// Of the client's crate, as the lock file says.
fn version() -> Option<&'static str> {
    let (_, crate_on) = include_str!("../Cargo.lock").split_once("name = \"rocketmq\"\nversion = \"")?;
    crate_on.split('"').next()
}
