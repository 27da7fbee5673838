"""What is no proper HTTP, or too much of it: refused with a status and a text; others go on."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from http_raw import (JSON, SCHEDULER, Events, Raw, call, chunked, exchange, is_for_people, refused,
                      request, watched)
from souk_cluster import check, equal, run_tests

MEGABYTE = 1 << 20
FRAMEWORK = {"user": "root", "name": "bad http"}
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": FRAMEWORK}}
REVIVE = {"type": "REVIVE", "framework_id": {"value": "nobody"}}


def set_up(cluster):
    cluster.node_ = cluster.local("--agents=1", "--resources=cpus:2;mem:512",
                                  "--heartbeat_interval=1secs")
    cluster.port = cluster.node_.port


def health(raw):
    """An answer to a proper request, so the connection lives."""
    equal(raw.ask(request("GET", "/health")).status, 200)


# --- heads

BAD_HEADS = {
    "no words": b"GARBAGE\r\n\r\n",
    "no target": b"GET\r\n\r\n",
    "no version": b"GET /state\r\n\r\n",
    "a target with spaces": b"GET /st ate HTTP/1.1\r\n\r\n",
    "HTTP/9.9": b"GET /state HTTP/9.9\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "lower case": b"get /state http/1.1\r\n\r\n",
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "nulls": b"\0" * 400,
    "bytes from 0x80": b"\xff\xfe\xfd /state HTTP/1.1\r\n\r\n",
    "a control character in the target": b"GET /st\x01ate HTTP/1.1\r\n\r\n",
    "a header without a colon": b"GET /state HTTP/1.1\r\nHost\r\n\r\n",
    "a header without a name": b"GET /state HTTP/1.1\r\n: value\r\n\r\n",
    "a space in a header's name": b"GET /state HTTP/1.1\r\nBad Name: value\r\n\r\n",
    "a control character in a header": b"GET /state HTTP/1.1\r\nHost: a\x01b\r\n\r\n",
    "a null in a header": b"GET /state HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "a lone carriage return": b"GET /state HTTP/1.1\rHost: x\r\n\r\n",
    "a negative length": b"POST /state HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a length in words": b"POST /state HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
    "a length in hex": b"POST /state HTTP/1.1\r\nContent-Length: 0x10\r\n\r\n",
    "a length with a sign": b"POST /state HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
    "a length beyond 64 bits": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "two lengths": b"POST /state HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a list of lengths": b"POST /state HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 5\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                           b"Content-Length: 5\r\n\r\n0\r\n\r\n",
}


def test_bad_heads(cluster):
    for what, data in BAD_HEADS.items():
        with Raw(cluster.port) as raw:
            raw.send(data)
            raw.end()
            answer = raw.answer()
            check(answer is not None, f"{what}: no answer")
            check(answer.status in (400, 505), f"{what}: {answer}")
            is_for_people(answer)
            equal(answer.header("Connection"), "close", what)
            check(raw.ended(), f"{what}: the connection goes on")


def test_bad_heads_byte_by_byte(cluster):
    for what in ("no words", "a header without a colon", "a negative length", "two lengths",
                 "a greeting of TLS"):
        with Raw(cluster.port) as raw:
            for at in range(len(BAD_HEADS[what])):
                if not raw.send(BAD_HEADS[what][at:at + 1]):
                    break
            raw.end()
            answer = raw.answer()
            check(answer is not None and answer.status == 400, f"{what}: {answer}")


def test_a_head_cut_at_every_byte(cluster):
    whole = call(SCHEDULER, REVIVE)
    for at in range(len(whole)):
        with Raw(cluster.port) as raw:
            raw.send(whole[:at])
            raw.end()
            check(raw.answer() is None, f"an answer to {whole[:at]!r}")
    refused(exchange(cluster.port, whole), 400, "Framework cannot be found")


def test_unusual_but_right(cluster):
    for data in (b"\r\n\r\nGET /health HTTP/1.1\r\nHost: souk\r\n\r\n",
                 b"GET http://souk/health HTTP/1.1\r\nHost: souk\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nhOsT:souk\r\nX-Empty:\r\n\r\n",
                 b"GET //health/ HTTP/1.1\r\nHost: souk\r\n\r\n",
                 b"DELETE /health HTTP/1.1\r\nHost: souk\r\n\r\n",
                 b"GET /%68ealth HTTP/1.1\r\nHost: souk\r\n\r\n",
                 b"GET /health HTTP/1.0\r\n\r\n"):
        answer = exchange(cluster.port, data)
        check(answer is not None and answer.status == 200 and answer.body == b"",
              f"{data!r}: {answer}")


def test_bad_targets(cluster):
    for target in ("/%", "/%zz", "/st%00ate", "/st%0aate", "state", "?state", "/state?a=%f"):
        refused(exchange(cluster.port, request("GET", target)), 400)
    many = "&".join("a=1" for _ in range(5000))
    refused(exchange(cluster.port, request("GET", "/tasks?" + many)), 400, "parameters")


def test_huge_heads(cluster):
    long = "x" * 70_000
    for data in (request("GET", "/state", X_Long=long), request("GET", "/" + long),
                 request("GET", "/state", **{f"X-{n}": "y" * 100 for n in range(1000)}),
                 f"GET /state HTTP/1.1\r\n{long}".encode(), long.encode()):
        refused(exchange(cluster.port, data), 431, "larger than")


def test_a_head_without_an_end(cluster):
    with Raw(cluster.port) as raw:
        raw.send(b"GET /state HTTP/1.1\r\n")
        sent = 0
        while sent < 4 * MEGABYTE and raw.send(b"X-More: " + b"y" * 1000 + b"\r\n"):
            sent += 1010
            if sent > 100_000:
                break
        answer = raw.answer()
        check(answer is None or answer.status == 431, f"{answer}")


# --- bodies


def test_bad_chunks(cluster):
    head = request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked")
    for body in (b"zz\r\nab\r\n0\r\n\r\n", b"-1\r\nab\r\n0\r\n\r\n", b"\r\n\r\n\r\n\r\n",
                 b"2\r\nabcdef\r\n0\r\n\r\n",
                 b"fffffffffffffffff\r\nab\r\n0\r\n\r\n", b"0x2\r\nab\r\n0\r\n\r\n",
                 b"2 2\r\nab\r\n0\r\n\r\n",
                 b"2\r\nab\r\nnonsense\r\n\r\n", b"2;\0\r\nab\r\n0\r\n\r\n"):
        with Raw(cluster.port) as raw:
            raw.send(head + body)
            raw.end()
            answer = raw.answer()
            check(answer is not None, f"no answer to {body!r}")
            refused(answer, 400)
            check("HTTP" in answer.text, f"{body!r} was taken: {answer}")


def test_chunks_of_any_size(cluster):
    body = json.dumps(REVIVE).encode()
    head = request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked")
    with Raw(cluster.port) as raw:
        for size in list(range(1, 12)) + [100, 10_000]:
            refused(raw.ask(head + chunked(body, size)), 400, "Framework cannot be found")
        extended = b"%x;name=\"value\"\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n" % (len(body), body)
        refused(raw.ask(head + extended), 400, "Framework cannot be found")
        for at in range(len(head + chunked(body))):
            raw.send((head + chunked(body))[at:at + 1])
        refused(raw.answer(), 400, "Framework cannot be found")


def test_chunks_cut_at_every_byte(cluster):
    head = request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked")
    whole = chunked(json.dumps(REVIVE).encode(), 16)
    for at in range(len(whole)):
        with Raw(cluster.port) as raw:
            raw.send(head + whole[:at])
            raw.end()
            check(raw.answer() is None, f"an answer to {whole[:at]!r}")


def test_other_encodings(cluster):
    for encoding in ("gzip", "gzip, chunked", "identity", "chunked, chunked", "xchunked"):
        data = request("POST", SCHEDULER, Content_Type=JSON,
                       Transfer_Encoding=encoding) + b"0\r\n\r\n"
        answer = exchange(cluster.port, data)
        check(answer is not None and answer.status in (400, 501), f"{encoding}: {answer}")
        is_for_people(answer)


def test_huge_body(cluster):
    head = request("POST", SCHEDULER, Content_Type=JSON, Content_Length=33 * MEGABYTE)
    refused(exchange(cluster.port, head), 413, "larger than 33554432 bytes")
    with Raw(cluster.port) as raw:  # a client that sends it all the same hears it as well
        raw.send(head)
        for _ in range(33):
            if not raw.send(b" " * MEGABYTE):
                break
        answer = raw.answer()
        check(answer is None or answer.status == 413, f"{answer}")
    refused(exchange(cluster.port, request("POST", "/state", Content_Length=1 << 62)), 413)


def test_huge_chunked_body(cluster):
    with Raw(cluster.port) as raw:
        raw.send(request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked"))
        chunk = b"%x\r\n%s\r\n" % (MEGABYTE, b" " * MEGABYTE)
        for _ in range(32):
            check(raw.send(chunk), "32 MB are allowed")
        raw.send(b"1\r\n")
        refused(raw.answer(), 413, "larger than")
    with Raw(cluster.port) as raw:
        raw.send(request("POST", SCHEDULER, Content_Type=JSON, Transfer_Encoding="chunked") +
                 b"2100001\r\n")
        refused(raw.answer(), 413, "larger than")


def test_largest_body(cluster):
    body = json.dumps(REVIVE).encode().ljust(32 * MEGABYTE)
    refused(exchange(cluster.port, call(SCHEDULER, body)), 400, "Framework cannot be found")


def test_expect_continue(cluster):
    with Raw(cluster.port) as raw:
        body = json.dumps(REVIVE).encode()
        raw.send(request("POST", SCHEDULER, Content_Type=JSON, Content_Length=len(body),
                         Expect="100-continue"))
        equal(raw.head().status, 100)
        refused(raw.ask(body), 400, "Framework cannot be found")


# --- several requests on a connection


def test_pipelined(cluster):
    kinds = [(request("GET", "/health"), 200), (call(SCHEDULER, REVIVE), 400),
             (request("GET", "/version"), 200),
             (request("GET", "/nothing"), 404), (call(SCHEDULER, b"{"), 400),
             (request("GET", SCHEDULER), 405)]
    with Raw(cluster.port) as raw:
        raw.send(b"".join(data for data, _ in kinds) * 200)
        for _ in range(200):
            equal([raw.answer().status for _ in kinds], [status for _, status in kinds])
        health(raw)


def test_pipelined_behind_a_bad_one(cluster):
    with Raw(cluster.port) as raw:
        raw.send(request("GET", "/version") + b"GARBAGE\r\n\r\n" + request("GET", "/version"))
        equal(raw.answer().status, 200)
        refused(raw.answer(), 400)
        check(raw.ended(), "nothing is read behind what was no HTTP")


def test_close_is_heeded(cluster):
    for headers, version in (({"Connection": "close"}, "1.1"), ({}, "1.0")):
        with Raw(cluster.port) as raw:
            raw.send(request("GET", "/version", version=version, **headers) * 2)
            equal(raw.answer().status, 200)
            check(raw.ended(), "one request, one answer")
    with Raw(cluster.port) as raw:
        for _ in range(2):
            equal(raw.ask(request("GET", "/version", version="1.0",
                                  Connection="keep-alive")).status, 200)


def test_head(cluster):
    with Raw(cluster.port) as raw:
        raw.send(request("HEAD", "/version"))
        answer = raw.answer(body=False)
        equal(answer.status, 200)
        check(int(answer.header("Content-Length")) > 10, f"{answer.headers}")
        raw.send(request("HEAD", SCHEDULER))
        equal(raw.answer(body=False).status, 405)
        health(raw)


def test_a_stream_needs_http_1_1(cluster):
    body = json.dumps(SUBSCRIBE).encode()
    answer = exchange(cluster.port, request("POST", SCHEDULER, body, version="1.0",
                                            Content_Type=JSON))
    refused(answer, 505)


def test_what_follows_a_subscribe_is_thrown_away(cluster):
    with Events(cluster.port, SCHEDULER, SUBSCRIBE) as events:
        equal(events.opened.status, 200)
        framework = events.event("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        for _ in range(50):
            events.send(b"GARBAGE " * 8000)
        events.send(call(SCHEDULER, {"type": "TEARDOWN", "framework_id": {"value": framework}},
                         Mesos_Stream_Id=events.id))
        check(events.event("HEARTBEAT") and events.event("HEARTBEAT"), "the stream goes on")


def test_upgrades(cluster):
    refused(exchange(cluster.port, request("GET", "/souk/v1/link")), 426)
    refused(exchange(cluster.port, request("GET", "/state", Connection="Upgrade",
                                           Upgrade="souk-link")), 400)
    answer = exchange(cluster.port, request("GET", "/version", Connection="Upgrade",
                                            Upgrade="websocket"))
    equal(answer.status, 200, "what is not understood is passed over")
    for frames in (b"\xff" * 64, b"\0" * 64, b"\0\0\0\x04abcd", b"GET / HTTP/1.1\r\n\r\n",
                   b"\x04\0\0\0abcd"):
        with Raw(cluster.port) as raw:
            raw.send(request("GET", "/souk/v1/link", Connection="Upgrade", Upgrade="souk-link"))
            equal(raw.head().status, 101)
            raw.send(frames)
            raw.end()
            check(raw.ended(), "the link of a stranger is closed")


def test_it_went_on_all_the_while(cluster):
    scheduler = cluster.scheduler(port=cluster.port, name="as ever")
    scheduler.run("as-ever", "true")
    equal(scheduler.wait_terminal("as-ever")["state"], "TASK_FINISHED")


if __name__ == "__main__":
    run_tests(watched(globals(), lambda cluster: [cluster.node_]), set_up)
