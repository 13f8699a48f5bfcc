//! Lines in, lines out.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use rocketmq::error::ClientError;
use serde_json::{json, Value};

/// One line of the suite's. An argument that is not there is empty, or zero.
pub struct Request(Value);

impl Request {
    pub fn parse(line: &str) -> Request {
        Request(serde_json::from_str(line).unwrap_or(Value::Null))
    }

    pub fn id(&self) -> &Value {
        &self.0["id"]
    }

    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    pub fn number(&self, key: &str) -> i64 {
        self.0[key].as_i64().unwrap_or_default()
    }

    pub fn duration(&self, key: &str) -> Duration {
        Duration::from_millis(self.number(key).unsigned_abs())
    }

    pub fn value(&self, key: &str) -> &Value {
        &self.0[key]
    }
}

/// Standard output belongs to the protocol; the client logs to standard error.
pub fn write(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}

pub fn failure(name: &str, message: impl Display, code: Option<&str>) -> Value {
    json!({"name": name, "message": message.to_string(), "code": code})
}

/// The status of the API is in the context, its code by name.
pub fn client_failure(error: ClientError) -> Value {
    let code = error.context().iter().find(|(key, _)| *key == "code");
    failure(
        &format!("{:?}", error.kind()),
        &error,
        code.map(|(_, name)| name.as_str()),
    )
}
