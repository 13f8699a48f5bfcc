"""What a client on grpcio (and so on gRPC's C core) sees of the server.

One line a scenario, `ok NAME` or `failed NAME: why`:

    python stack.py CALLS_ADDRESS AGING_ADDRESS [CERTIFICATE]
"""
import random
import sys
import threading
import time

import grpc

SERVICE = "/test.Stacks/"
MESSAGES = [("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20)]


class Client:
    def __init__(self, address, options=()):
        # A channel of its own, not one that the process has to the same address.
        all_options = [*MESSAGES, ("grpc.use_local_subchannel_pool", 1), *options]
        if len(sys.argv) > 3:
            with open(sys.argv[3], "rb") as file:
                trusted = grpc.ssl_channel_credentials(file.read())
            all_options.append(("grpc.ssl_target_name_override", "localhost"))
            self.channel = grpc.secure_channel(address, trusted, all_options)
        else:
            self.channel = grpc.insecure_channel(address, all_options)
        self.stubs = {
            "Spread": self.channel.unary_stream(SERVICE + "Spread"),
            "Collect": self.channel.stream_unary(SERVICE + "Collect"),
            "Hold": self.channel.stream_stream(SERVICE + "Hold"),
            "Chat": self.channel.stream_stream(SERVICE + "Chat"),
        }

    def stub(self, method):
        if method not in self.stubs:
            self.stubs[method] = self.channel.unary_unary(SERVICE + method)
        return self.stubs[method]

    def unary(self, method, request=b"", timeout=20, **options):
        return self.stub(method)(request, timeout=timeout, wait_for_ready=True, **options)

    def count(self, method):
        return int(self.unary(method))

    def until(self, method, wanted):
        """Waits for a count of the server's to reach what is wanted."""
        for _ in range(200):
            if self.count(method) >= wanted:
                return
            time.sleep(0.02)
        raise AssertionError(f"{method} stays below {wanted}")


def code_of(work):
    try:
        work()
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def want(got, wanted):
    if got != wanted:
        raise AssertionError(f"{str(got)[:200]} instead of {str(wanted)[:200]}")


def content(size):
    return random.Random(7).randbytes(size)


def unary(client):
    for size in range(100):
        want(client.unary("Unary", content(size)), content(size))


def metadata(client):
    sent = [("x-text", "plain"), ("x-bytes-bin", b"\0\xff\1")]
    answer, call = client.stub("Unary").with_call(b"", timeout=20, metadata=sent)
    want(answer, b"")
    want([tuple(pair) for pair in call.initial_metadata() if pair[0] == "x-text"], sent[:1])
    want([tuple(pair) for pair in call.trailing_metadata()], sent[1:])


def status(client):
    wanted = (grpc.StatusCode.FAILED_PRECONDITION, "100 % größer\n\t😈 ")
    want(code_of(lambda: client.unary("Fail")), wanted)
    want(code_of(lambda: client.unary("Missing"))[0], grpc.StatusCode.UNIMPLEMENTED)


def server_streaming(client):
    request = content(4000)
    answers = list(client.stub("Spread")(request, timeout=20))
    want(len(answers), 1000)
    want(set(answers), {request})


def client_streaming(client):
    request = content(2000)
    want(client.stub("Collect")((request for _ in range(1000)), timeout=20), request * 1000)


def chat(client, rounds):
    """One request at a time, each after the answer to the one before."""
    answered = threading.Semaphore(1)

    def requests():
        for turn in range(rounds):
            answered.acquire()
            yield content(100 + turn)

    count = 0
    for answer in client.stub("Chat")(requests(), timeout=20):
        want(answer, content(100 + count))
        count += 1
        answered.release()
    want(count, rounds)


def bidirectional(client):
    chat(client, 200)


def deadline(client):
    before = client.count("Cancelled")
    want(code_of(lambda: client.unary("Sleep", timeout=0.1))[0], grpc.StatusCode.DEADLINE_EXCEEDED)
    client.until("Cancelled", before + 1)


def cancel(client):
    before = client.count("Cancelled")
    forever = threading.Event()

    def requests():
        yield b"one"
        forever.wait(20)

    call = client.stub("Hold")(requests(), timeout=20)
    want(next(call), b"one")
    call.cancel()
    want(code_of(lambda: next(call))[0], grpc.StatusCode.CANCELLED)
    forever.set()
    client.until("Cancelled", before + 1)


def large_message(client):
    request = content(4 << 20)
    want(client.unary("Unary", request), request)
    too_large = content((4 << 20) + 1)
    want(code_of(lambda: client.unary("Unary", too_large))[0], grpc.StatusCode.RESOURCE_EXHAUSTED)


def gzip(client):
    before = client.count("Wire")
    request = bytes(3 << 20)
    want(client.unary("Unary", request, compression=grpc.Compression.Gzip), request)
    passed = client.count("Wire") - before
    if passed > 200_000:
        raise AssertionError(f"{passed} bytes went over the wire")


def parallel_streams(client):
    request = content(1000)
    calls = [client.stub("Unary").future(request, timeout=20) for _ in range(2000)]
    want({call.result() for call in calls}, {request})
    streams = [client.stub("Chat")(iter([content(size)] * 5), timeout=20) for size in range(100)]
    for size, stream in enumerate(streams):
        want(list(stream), [content(size)] * 5)


def reconnect(client):
    for _ in range(5):
        want(code_of(lambda: client.unary("Cut"))[0], grpc.StatusCode.UNAVAILABLE)
        want(answered(lambda: client.unary("Unary", b"again")), b"again")


def answered(call):
    """What a call answers; one that left on the connection just cut is called again, as gRPC asks of callers."""
    end = time.monotonic() + 5
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                raise


def aged_connections(_client):
    client = Client(sys.argv[2])
    end = time.monotonic() + 4
    while time.monotonic() < end:
        want(client.unary("Unary", content(100)), content(100))
    client.channel.close()


def frequent_pings(_client):
    """As C++ clients may be set up: pings as often as they send them, also without calls: one a
    second. The connection has to live through it."""
    client = Client(
        sys.argv[1],
        [
            ("grpc.keepalive_time_ms", 20),
            ("grpc.keepalive_timeout_ms", 5000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ],
    )
    made = client.count("Connections")
    before = client.count("Wire")
    asking = client.count("Wire") - before
    time.sleep(5)
    passed = client.count("Wire") - before - 2 * asking
    # A ping and its answer are 17 bytes each.
    if passed < 3 * 2 * 17:
        raise AssertionError(f"only {passed} bytes of pings went over the wire")
    want(client.count("Connections"), made)
    client.channel.close()


SCENARIOS = [
    ("unary", unary),
    ("metadata", metadata),
    ("status", status),
    ("server streaming", server_streaming),
    ("client streaming", client_streaming),
    ("bidirectional streaming", bidirectional),
    ("deadline", deadline),
    ("cancel", cancel),
    ("large message", large_message),
    ("gzip", gzip),
    ("many parallel streams", parallel_streams),
    ("reconnect", reconnect),
    ("connections that end by age", aged_connections),
    ("frequent pings without calls", frequent_pings),
]

calls = Client(sys.argv[1])
for name, scenario in SCENARIOS:
    try:
        scenario(calls)
        print(f"ok {name}", flush=True)
    except Exception as error:  # whatever it is, it is this scenario's result
        print(f"failed {name}: {error!r}", flush=True)
calls.channel.close()
