"""What a function may reach beside its event, each when `allow` of the function names it; what imports this is built for all of it.

All of it answers at once: the function waits, and others run meanwhile. What the host answers with in place of a value is
raised as a HostError.
"""

import json
import re

from componentize_py_types import Err
from wit_world.imports import atomics, messaging, outgoing_handler, streams
from wit_world.imports import call as calling
from wit_world.imports import headgate_function_types as types
from wit_world.imports import log as logging
from wit_world.imports import wasi_config_store as settings
from wit_world.imports import wasi_http_types as web
from wit_world.imports import wasi_keyvalue_store as stores


class HostError(Exception):
    """Not caught, it is another attempt. `code` is such as `connection-refused`, or that of whom was asked."""

    def __init__(self, doing, given):
        inner = getattr(given, "value", None)
        # A case of a variant is a class: ErrorCode_ConnectionRefused.
        case = re.sub(r"\B(?=[A-Z])", "-", type(given).__name__.rpartition("_")[2]).lower()
        parts = [doing, case, getattr(inner, "message", inner)]
        super().__init__(": ".join(part for part in parts if isinstance(part, str)))
        self.code = getattr(inner, "code", case)


def told(doing, work, *given):
    try:
        return work(*given)
    except Err as error:
        raise HostError(doing, error.value) from error


def log(message, level="info"):
    """A line of the gateway's log, at debug, info, warn or error."""
    logging.log(logging.Level[level.upper()], str(message))


def config(name):
    """A value of `allow: { config: ... }`; None when there is none of that name."""
    return told(f'config "{name}"', settings.get, name)


class Store:
    """The store of that name, of `allow: { kv: [...] }`: it outlives the function, and all of its instances share it."""

    def __init__(self, name):
        self.name = name
        self.bucket = told(f'store "{name}"', stores.open, name)

    def _ask(self, what, key, work, *given):
        return told(f'store "{self.name}": {what} "{key}"', work, *given)

    def get(self, key):
        """Bytes, or None."""
        return self._ask("get", key, self.bucket.get, key)

    def json(self, key):
        value = self.get(key)
        return None if value is None else json.loads(value)

    def set(self, key, value):
        """Bytes and texts as they are, anything else as JSON. Once it returns the value is on disk."""
        text = value if isinstance(value, (bytes, str)) else json.dumps(value)
        self._ask("set", key, self.bucket.set, key, text.encode() if isinstance(text, str) else text)

    def has(self, key):
        return self._ask("has", key, self.bucket.exists, key)

    def delete(self, key):
        self._ask("delete", key, self.bucket.delete, key)

    def increment(self, key, by=1):
        """Adds to a decimal number, in one step for whoever else does, and returns the sum."""
        return self._ask("increment", key, atomics.increment, self.bucket, key, by)

    def keys(self):
        cursor = None
        while True:
            page = self._ask("keys", "", self.bucket.list_keys, cursor)
            yield from page.keys
            cursor = page.cursor
            if cursor is None:
                return


def publish(topic, value):
    """Publishes JSON to a topic of `allow: { messaging: { publish: [...] } }`."""
    told(f'publish to "{topic}"', messaging.publish, message(topic, value))


def request(topic, value, timeout_ms=None):
    """Asks the route that takes a topic of `allow: { messaging: { request: [...] } }`, and returns its answer."""
    return value_of(told(f'request to "{topic}"', messaging.request, message(topic, value), timeout_ms))


def call(function, parameters=None):
    """Calls another function of `allow: { call: [...] }`, and returns its reply."""
    return value_of(told(f'call of "{function}"', calling.call, function, json.dumps(parameters)))


def message(topic, value):
    return messaging.Message(topic, types.Body_Text(json.dumps(value)), "application/json")


def value_of(payload):
    try:
        return json.loads(payload.data.value)
    except ValueError:
        return payload.data.value


class Answer:
    """What a server answered, as a whole. Names of headers are in lower case."""

    def __init__(self, url, status, headers, body):
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def ok(self):
        return 200 <= self.status < 300

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


URL = re.compile(r"(https?)://([^/?#@]+)([^#]*)", re.I)
# Of WASI a stream takes no more at once.
PART = 4096


def fetch(url, method="GET", headers=None, body=None):
    """Sends a request to where `allow: { http: [...] }` lets it, and returns the Answer, whatever its status.

    Bytes and texts are sent as they are, anything else as JSON. No redirect is followed.
    """
    doing = f'fetching "{url}"'
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        given.setdefault("content-type", "application/json")
    with told(doing, sent, request_of(doing, url, method, given), body or b"") as future:
        with future.subscribe() as there:
            there.block()
        result = future.get().value
        if isinstance(result, Err):
            raise HostError(doing, result.value)
        with result.value as response:
            return told(doing, taken, url, response)


def request_of(doing, url, method, headers):
    parts = URL.match(url)
    if parts is None:
        raise ValueError(f"{doing}: it is no URL of http or https")
    scheme, authority, path = parts.groups()
    fields = told(doing, web.Fields.from_list, [(name, value.encode()) for name, value in headers.items()])
    request = web.OutgoingRequest(fields)
    case = getattr(web, f"Method_{method.capitalize()}", None)
    told(doing, request.set_method, case() if case else web.Method_Other(method))
    told(doing, request.set_scheme, web.Scheme_Https() if scheme.lower() == "https" else web.Scheme_Http())
    told(doing, request.set_authority, authority)
    told(doing, request.set_path_with_query, path if path.startswith("/") else f"/{path}")
    return request


def sent(request, body):
    """The request goes out once its body is whole."""
    outgoing = request.body()
    future = outgoing_handler.handle(request, None)
    content = body.encode() if isinstance(body, str) else body
    if content:
        with outgoing.write() as stream:
            for at in range(0, len(content), PART):
                stream.blocking_write_and_flush(content[at : at + PART])
    web.OutgoingBody.finish(outgoing, None)
    return future


def taken(url, response):
    with response.headers() as fields:
        headers = {name.lower(): value.decode("latin-1") for name, value in fields.entries()}
    content = bytearray()
    with response.consume() as incoming, incoming.stream() as stream:
        while True:
            try:
                content += stream.blocking_read(65536)
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    break
                raise
    return Answer(url, response.status(), headers, bytes(content))
