"""Greets whoever the data name: { "name": "Ada" } is answered with { "greeting": "Hello, Ada!" }."""

from kit import Rejected, data_of, handler, json_reply


@handler
def greet(event, context):
    data = data_of(event)
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name:
        raise Rejected("validation", "NAME_MISSING", "name is missing")
    return json_reply({"greeting": f"Hello, {name}!"})


WitWorld = greet
