//! Messages as the protocol has them.

use std::collections::HashMap;

use base64::{engine::general_purpose::STANDARD, Engine};
use rocketmq::error::ClientError;
use rocketmq::model::message::{Message, MessageBuilder, MessageView};
use serde_json::{json, Value};

use crate::protocol::Request;

pub fn outgoing(request: &Request) -> Result<impl Message, ClientError> {
    let body = STANDARD.decode(request.text("body")).unwrap_or_default();
    let mut builder = MessageBuilder::builder()
        .set_topic(request.text("topic"))
        .set_body(body);
    if let Some(tag) = request.value("tag").as_str() {
        builder = builder.set_tag(tag);
    }
    if let Some(keys) = request.value("keys").as_array() {
        builder = builder.set_keys(keys.iter().filter_map(Value::as_str).collect());
    }
    if let Some(properties) = request.value("properties").as_object() {
        let entries = properties
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?)));
        builder = builder.set_properties(entries.collect::<HashMap<_, _>>());
    }
    if let Some(group) = request.value("messageGroup").as_str() {
        builder = builder.set_message_group(group);
    }
    if let Some(deliver_ms) = request.value("deliverMs").as_i64() {
        builder = builder.set_delivery_timestamp(deliver_ms / 1000); // the client counts in seconds
    }
    if request.value("transaction") == true {
        builder = builder.enable_transaction();
    }
    builder.build()
}

pub fn show(view: &MessageView, number: usize) -> Value {
    json!({
        "number": number,
        "messageId": view.message_id(),
        "topic": view.topic(),
        "body": STANDARD.encode(view.body()),
        "tag": view.tag().unwrap_or_default(),
        "keys": view.keys(),
        "properties": view.properties(),
        "attempt": view.delivery_attempt(),
        "corrupted": false, // the client looks at no digest
    })
}
