"""The Python client behind the protocol of test/interop/PROTOCOL.md."""

import asyncio
import base64
import json
import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from rocketmq import (ClientConfiguration, ConsumeResult, Credentials, FilterExpression, LitePushConsumer,
                      LiteSimpleConsumer, Message, MessageListener, Producer, PushConsumer, SimpleConsumer,
                      TransactionChecker, TransactionResolution)
from rocketmq.grpc_protocol import FilterType
from rocketmq.v5.client.connection import RpcClient

TLS = os.environ.get("DRIVER_TLS") == "true"
clients = {}
transactions = {}
received = []
lock = threading.Lock()


def write(line):
    data = json.dumps(line) + "\n"
    with lock:
        sys.stdout.write(data)
        sys.stdout.flush()


def show(message):
    with lock:
        received.append(message)
        number = len(received) - 1
    return {
        "number": number,
        "messageId": message.message_id,
        "topic": message.topic,
        "body": base64.b64encode(message.body).decode(),
        "tag": message.tag or "",
        "keys": sorted(message.keys),
        "properties": dict(message.properties),
        "attempt": message.delivery_attempt,
        "corrupted": message.corrupted,
        **({} if message.priority is None else {"priority": message.priority}),
        **({"liteTopic": message.lite_topic} if message.lite_topic else {}),
    }


def configuration(request):
    return ClientConfiguration(request["endpoints"], Credentials())


def subscriptions(request):
    return {topic: FilterExpression(filter) if isinstance(filter, str)
            else FilterExpression(filter["sql"], FilterType.SQL)
            for topic, filter in request["subscriptions"].items()}


def use_event_loop():
    """A route that is there before the client asks for its callback calls it in this thread, where the client
    then makes the stream for settings: which gRPC allows only in a thread with an event loop."""
    loop = RpcClient.get_channel_io_loop()  # none before the first client
    if loop is not None:
        asyncio.set_event_loop(loop)


def started(request, client):
    use_event_loop()
    client.startup()
    clients[request["name"]] = client
    return {}


def send(request):
    message = Message()
    message.topic = request["topic"]
    message.body = base64.b64decode(request["body"])
    if request.get("tag"):
        message.tag = request["tag"]
    for key in request.get("keys", []):
        message.keys = key  # the setter adds
    for key, value in request.get("properties", {}).items():
        message.add_property(key, value)
    if request.get("messageGroup"):
        message.message_group = request["messageGroup"]
    if request.get("deliverMs"):
        message.delivery_timestamp = request["deliverMs"] // 1000  # the client counts in seconds
    if "priority" in request:
        message.priority = request["priority"]
    if request.get("liteTopic"):
        message.lite_topic = request["liteTopic"]
    producer = clients[request["name"]]
    transaction = producer.begin_transaction() if request.get("transaction") else None
    receipt = producer.send(message, transaction)
    if transaction is not None:
        transactions[receipt.message_id] = transaction
    return {"messageId": receipt.message_id, "recallHandle": receipt.recall_handle or ""}


def end(request):
    transaction = transactions[request["messageId"]]
    {"commit": transaction.commit, "rollback": transaction.rollback}[request["resolution"]]()
    return {}


def recall(request):
    return {"messageId": clients[request["name"]].recall_message(request["topic"], request["recallHandle"])}


def receive(request):
    start = time.monotonic()
    messages = clients[request["name"]].receive(request["max"], request["invisibleMs"] // 1000)
    elapsed = (time.monotonic() - start) * 1000
    return {"messages": [show(message) for message in messages or []], "elapsedMs": elapsed}


def ack(request):
    clients[request["name"]].ack(received[request["message"]])
    return {}


def change(request):
    message = received[request["message"]]
    clients[request["name"]].change_invisible_duration(message, request["invisibleMs"] // 1000)
    return {}


class Checker(TransactionChecker):
    resolutions = {
        "commit": TransactionResolution.COMMIT,
        "rollback": TransactionResolution.ROLLBACK,
        "unknown": TransactionResolution.TRANSACTION_RESOLUTION_UNSPECIFIED,
    }

    def __init__(self, request):
        self.name = request["name"]
        self.resolution = self.resolutions[request["checker"]]

    def check(self, message):
        write({"event": "check", "name": self.name, "message": show(message)})
        return self.resolution


def producer(request):
    checker = Checker(request) if "checker" in request else None
    return started(request, Producer(configuration(request), request["topics"], checker, tls_enable=TLS))


class Listener(MessageListener):
    def __init__(self, request):
        self.name = request["name"]
        self.fail_below = request["failBelowAttempt"]
        # The client tries messages of a FIFO group again by itself and leaves their attempt as it is.
        self.tries = Counter()

    def consume(self, message):
        write({"event": "message", "name": self.name, "message": show(message)})
        self.tries[message.message_id] += 1
        attempt = max(message.delivery_attempt, self.tries[message.message_id])
        return ConsumeResult.FAILURE if attempt < self.fail_below else ConsumeResult.SUCCESS


def push(request):
    return started(request, PushConsumer(configuration(request), request["group"], Listener(request),
                                         subscriptions(request), tls_enable=TLS))


def simple(request):
    consumer = SimpleConsumer(configuration(request), request["group"], subscriptions(request),
                              await_duration=request["awaitMs"] // 1000, tls_enable=TLS)
    return subscribed(request, consumer)


def subscribed(request, consumer):
    result = started(request, consumer)
    # The other clients, and this one's push consumer, have subscribed when they have started. This one has
    # only asked to: what is sent now may be from before its group.
    if not consumer._init_settings_event.wait(timeout=10):
        raise TimeoutError("no settings from the server within 10 s")
    return result


def lite_push(request):
    return started(request, LitePushConsumer(configuration(request), request["group"], request["parent"],
                                             Listener(request), tls_enable=TLS))


def lite_simple(request):
    return subscribed(request, LiteSimpleConsumer(request["parent"], configuration(request), request["group"],
                                                  await_duration=request["awaitMs"] // 1000, tls_enable=TLS))


def subscribe_lite(request):
    clients[request["name"]].subscribe_lite(request["liteTopic"])
    return {}


def unsubscribe_lite(request):
    clients[request["name"]].unsubscribe_lite(request["liteTopic"])
    return {}


def close(request):
    client = clients.pop(request["name"], None)
    if client is not None:
        client.shutdown()
    return {}


operations = {
    "hello": lambda request: {"client": "rocketmq-python-client", "version": version("rocketmq-python-client")},
    "producer": producer,
    "send": send,
    "end": end,
    "recall": recall,
    "simple": simple,
    "receive": receive,
    "ack": ack,
    "change": change,
    "push": push,
    "litePush": lite_push,
    "liteSimple": lite_simple,
    "subscribeLite": subscribe_lite,
    "unsubscribeLite": unsubscribe_lite,
    "close": close,
}


def serve(line):
    use_event_loop()
    request = json.loads(line)
    try:
        write({"id": request["id"], "result": operations[request["op"]](request)})
    except Exception as error:  # every failure is an answer
        write({"id": request["id"], "error": {
            "name": type(error).__name__, "message": str(error), "code": getattr(error, "code", None)}})


with ThreadPoolExecutor(max_workers=32) as workers:
    for line in sys.stdin:
        workers.submit(serve, line)
os._exit(0)  # the client's own threads do not end by themselves
