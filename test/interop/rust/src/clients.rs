//! The producers and consumers of the suite, by name, and what they received.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rocketmq::conf::{ClientOption, ProducerOption, SimpleConsumerOption};
use rocketmq::error::ClientError;
use rocketmq::model::common::{FilterExpression, FilterType};
use rocketmq::model::message::MessageView;
use rocketmq::model::transaction::{Transaction, TransactionResolution};
use rocketmq::{Producer, SimpleConsumer};
use serde_json::{json, Value};
use tokio::sync::RwLock;

use crate::message::{outgoing, show};
use crate::protocol::{client_failure, failure, write, Request};

type Answer = Result<Value, Value>;
/// Empty once closed: closing takes the client itself, and waits for the operations that use it.
type Slot<T> = Arc<RwLock<Option<T>>>;
type Ended = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;
/// Ends a transaction: true commits it. The client's own type has no name.
type End = Box<dyn FnOnce(bool) -> Ended + Send>;

/// The client's deadline of a receive is the very time that it asks the server to wait. An answer needs time,
/// too, and the suite's servers wait for 5 s at most.
const ANSWER_TIME: Duration = Duration::from_secs(3);
/// Settings of this client name no topics: its group is in use, and has its start, from the first receive on.
const OPENING_POLL: Duration = Duration::from_secs(2);
const OPENING_ATTEMPTS_MAX: usize = 3;

struct Simple {
    consumer: SimpleConsumer,
    subscriptions: Vec<(String, FilterExpression)>,
    receives: AtomicUsize,
}

#[derive(Default)]
pub struct Clients {
    producers: Mutex<HashMap<String, Slot<Producer>>>,
    simples: Mutex<HashMap<String, Slot<Simple>>>,
    transactions: Mutex<HashMap<String, End>>,
    received: Arc<Mutex<Vec<Arc<MessageView>>>>,
}

impl Clients {
    pub async fn start_producer(&self, request: &Request) -> Answer {
        let mut option = ProducerOption::default();
        option.set_topics(strings(request.value("topics")));
        let client = client_option(request);
        let producer = match resolution(request.text("checker")) {
            None => Producer::new(option, client),
            Some(_) => {
                let (name, received) = (request.text("name").to_string(), self.received.clone());
                let answer = request.text("checker").to_string();
                let checker = move |_: String, message: MessageView| {
                    let shown = keep(&received, message);
                    write(&json!({"event": "check", "name": name, "message": shown}));
                    resolution(&answer).unwrap_or(TransactionResolution::UNKNOWN)
                };
                Producer::new_transaction_producer(option, client, Box::new(checker))
            }
        };
        let mut producer = producer.map_err(client_failure)?;
        producer.start().await.map_err(client_failure)?;
        put(&self.producers, request, producer);
        Ok(json!({}))
    }

    pub async fn send(&self, request: &Request) -> Answer {
        let slot = find(&self.producers, request)?;
        let guard = slot.read().await;
        let producer = guard.as_ref().ok_or_else(closed)?;
        let message = outgoing(request).map_err(client_failure)?;
        if request.value("transaction") != true {
            let receipt = producer.send(message).await.map_err(client_failure)?;
            return Ok(json!({"messageId": receipt.message_id(), "recallHandle": ""}));
        }
        let sent = producer.send_transaction_message(message).await;
        let transaction = sent.map_err(client_failure)?;
        let id = transaction.message_id().to_string();
        let end: End = Box::new(|commit| match commit {
            true => Box::pin(async { transaction.commit().await }),
            false => Box::pin(async { transaction.rollback().await }),
        });
        self.transactions.lock().unwrap().insert(id.clone(), end);
        Ok(json!({"messageId": id, "recallHandle": ""}))
    }

    pub async fn end(&self, request: &Request) -> Answer {
        let end = self
            .transactions
            .lock()
            .unwrap()
            .remove(request.text("messageId"));
        let end = end.ok_or_else(closed)?;
        end(request.text("resolution") == "commit")
            .await
            .map_err(client_failure)?;
        Ok(json!({}))
    }

    pub async fn start_simple(&self, request: &Request) -> Answer {
        let subscriptions = subscriptions(request);
        let opener = simple(request, OPENING_POLL).await?;
        for (topic, filter) in &subscriptions {
            open(&opener, topic, filter).await?;
        }
        said_goodbye(opener.shutdown().await)?;
        let consumer = simple(request, request.duration("awaitMs") + ANSWER_TIME).await?;
        put(
            &self.simples,
            request,
            Simple {
                consumer,
                subscriptions,
                receives: AtomicUsize::new(0),
            },
        );
        Ok(json!({}))
    }

    pub async fn receive(&self, request: &Request) -> Answer {
        let slot = find(&self.simples, request)?;
        let guard = slot.read().await;
        let Simple {
            consumer,
            subscriptions,
            receives,
        } = guard.as_ref().ok_or_else(closed)?;
        // The other clients take their topics in turn by themselves.
        let turn = receives.fetch_add(1, Ordering::Relaxed) % subscriptions.len();
        let (topic, filter) = &subscriptions[turn];
        let (max, invisible) = (request.number("max") as i32, request.duration("invisibleMs"));
        let start = Instant::now();
        let messages = consumer.receive_with(topic, filter, max, invisible).await;
        let elapsed_ms = start.elapsed().as_secs_f64() * 1000.0;
        let messages = messages.map_err(client_failure)?;
        let shown: Vec<Value> = messages
            .into_iter()
            .map(|view| keep(&self.received, view))
            .collect();
        Ok(json!({"messages": shown, "elapsedMs": elapsed_ms}))
    }

    pub async fn ack(&self, request: &Request) -> Answer {
        let slot = find(&self.simples, request)?;
        let guard = slot.read().await;
        let Simple { consumer, .. } = guard.as_ref().ok_or_else(closed)?;
        let view = self.received.lock().unwrap()[request.number("message") as usize].clone();
        consumer.ack(view.as_ref()).await.map_err(client_failure)?;
        Ok(json!({}))
    }

    pub async fn close(&self, request: &Request) -> Answer {
        if let Ok(slot) = find(&self.producers, request) {
            if let Some(producer) = slot.write().await.take() {
                said_goodbye(producer.shutdown().await)?;
            }
        }
        if let Ok(slot) = find(&self.simples, request) {
            if let Some(simple) = slot.write().await.take() {
                said_goodbye(simple.consumer.shutdown().await)?;
            }
        }
        Ok(json!({}))
    }
}

fn put<T>(map: &Mutex<HashMap<String, Slot<T>>>, request: &Request, client: T) {
    let slot = Arc::new(RwLock::new(Some(client)));
    map.lock().unwrap().insert(request.text("name").to_string(), slot);
}

fn find<T>(map: &Mutex<HashMap<String, Slot<T>>>, request: &Request) -> Result<Slot<T>, Value> {
    map.lock()
        .unwrap()
        .get(request.text("name"))
        .cloned()
        .ok_or_else(closed)
}

fn closed() -> Value {
    failure("NotFound", "no such client or transaction", None)
}

/// Keeps a message for an acknowledgement; answers it with its number.
fn keep(received: &Mutex<Vec<Arc<MessageView>>>, view: MessageView) -> Value {
    let mut received = received.lock().unwrap();
    let shown = show(&view, received.len());
    received.push(Arc::new(view));
    shown
}

/// This client separates addresses by commas.
fn client_option(request: &Request) -> ClientOption {
    let mut option = ClientOption::default();
    option.set_access_url(request.text("endpoints").replace(';', ","));
    option.set_enable_tls(std::env::var("DRIVER_TLS").is_ok_and(|tls| tls == "true"));
    option
}

async fn simple(request: &Request, poll: Duration) -> Result<SimpleConsumer, Value> {
    let mut option = SimpleConsumerOption::default();
    option.set_consumer_group(request.text("group"));
    let mut client = client_option(request);
    client.set_long_polling_timeout(poll);
    let mut consumer = SimpleConsumer::new(option, client).map_err(client_failure)?;
    consumer.start().await.map_err(client_failure)?;
    Ok(consumer)
}

/// With several access points each call goes to any of them. A proxy that has not the client's settings passes its
/// goodbye on to the brokers, and says that it does not know the client.
fn said_goodbye(answer: Result<(), ClientError>) -> Result<(), Value> {
    match answer.map_err(client_failure) {
        Err(error) if error["code"] == "UNRECOGNIZED_CLIENT_TYPE" => Ok(()),
        other => other,
    }
}

/// What it receives goes back to the group when the opener shuts down.
async fn open(opener: &SimpleConsumer, topic: &str, filter: &FilterExpression) -> Result<(), Value> {
    let mut failed = closed();
    for _ in 0..OPENING_ATTEMPTS_MAX {
        match opener.receive_with(topic, filter, 1, OPENING_POLL).await {
            Ok(_) => return Ok(()),
            Err(error) => failed = client_failure(error),
        }
    }
    Err(failed)
}

fn subscriptions(request: &Request) -> Vec<(String, FilterExpression)> {
    let filters = request.value("subscriptions").as_object().into_iter().flatten();
    filters
        .map(|(topic, filter)| {
            let filter = match filter["sql"].as_str() {
                Some(sql) => FilterExpression::new(FilterType::Sql, sql),
                None => FilterExpression::new(FilterType::Tag, filter.as_str().unwrap_or("*")),
            };
            (topic.clone(), filter)
        })
        .collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn resolution(name: &str) -> Option<TransactionResolution> {
    match name {
        "commit" => Some(TransactionResolution::COMMIT),
        "rollback" => Some(TransactionResolution::ROLLBACK),
        "unknown" => Some(TransactionResolution::UNKNOWN),
        _ => None,
    }
}
