"""What a function may reach beside its event, each when `allow` of the function names it; what imports this is built for all of it.

All of it answers at once: the function waits, and others run meanwhile. What the host answers with in place of a value is
raised as a HostError.
"""

import json

from componentize_py_types import Err
from wit_world.imports import atomics, messaging
from wit_world.imports import call as calling
from wit_world.imports import headgate_function_types as types
from wit_world.imports import log as logging
from wit_world.imports import wasi_config_store as settings
from wit_world.imports import wasi_keyvalue_store as stores


class HostError(Exception):
    """Not caught, it is another attempt."""


def told(doing, work, *given):
    try:
        return work(*given)
    except Err as error:
        raise HostError(f"{doing}: {error.value}") from error


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
