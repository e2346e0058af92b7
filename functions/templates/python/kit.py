"""The author's kit: data as JSON, replies, and every exception as a failure: one that got out would cost the instance."""

import json
import random

from componentize_py_types import Err

try:
    from wit_world.imports import types
except ImportError:
    # In a world with the types of WASI, such as `full`.
    from wit_world.imports import headgate_function_types as types

Body_Text = types.Body_Text
Event = types.Event
Payload = types.Payload
Response = types.Response


class Rejected(Exception):
    """Refuses the event: a dead letter at once. `kind` is validation, business, system or timeout."""

    def __init__(self, kind, code, message):
        super().__init__(message)
        self.kind = kind
        self.code = code


class TryAgain(Exception):
    """Asks for another attempt, not before `after_ms`."""

    def __init__(self, message, after_ms=None):
        super().__init__(message)
        self.after_ms = after_ms


def data_of(event):
    """The event's data: parsed where that is JSON, None when there are none."""
    if event.data is None:
        return None
    try:
        return json.loads(event.data.value)
    except ValueError as error:
        raise Rejected("validation", "NOT_JSON", f"the data is not JSON: {error}") from error


def json_reply(value, status=None):
    """Answers with JSON."""
    return Response(Payload(Body_Text(json.dumps(value)), "application/json", status), [])


def emit(source, type, id, value):
    """An event for `events` of a Response, with JSON data; `id` must be stable across attempts of the same event."""
    return Event(id, source, type, None, None, "application/json", None, [], Body_Text(json.dumps(value)))


def handler(work):
    """Makes the world of a function that gets `(event, context)` and returns a Response, or None for no reply."""
    seeded = False

    class World:
        def handle(self, event, context):
            nonlocal seeded
            if not seeded:
                # Every instance is a copy of the one that was made when it was built, its random numbers included.
                random.seed()
                seeded = True
            try:
                answer = work(event, context)
                if answer is not None and not isinstance(answer, Response):
                    raise TypeError("the answer is no Response; make one with json_reply()")
                return answer or Response(None, [])
            except Rejected as error:
                kind = types.FaultKind[error.kind.upper()]
                raise Err(types.Failure_Reject(types.Fault(kind, error.code, str(error)))) from error
            except TryAgain as error:
                raise Err(types.Failure_Retry(types.Retry(str(error), error.after_ms))) from error
            except BaseException as error:
                raise Err(types.Failure_Retry(types.Retry(f"{type(error).__name__}: {error}", None))) from error

    return World
