"""Prints what the installed Python client knows of the API, as JSON: names, numbers, types and labels.

    .cache/python/bin/python test/interop/python/extract-descriptors.py > test/unit/proto/python-client.json
"""

import json
from importlib.metadata import version

from google.protobuf.descriptor import FieldDescriptor
from rocketmq.grpc_protocol import admin_pb2, definition_pb2, service_pb2

PACKAGE = "rocketmq-python-client"
SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}


def type_of(field):
    named = field.message_type or field.enum_type
    return named.full_name if named else SCALARS[field.type]


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def described(field):
    """`number label type`; the label is empty for a field that is there once and has no presence of its own."""
    oneof = field.containing_oneof
    if is_map(field):
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return f"{field.number} map<{type_of(key)}, {type_of(value)}>"
    if field.is_repeated:
        label = "repeated "
    elif oneof is None:
        label = ""
    elif oneof.name == f"_{field.name}":
        label = "optional "
    else:
        label = f"oneof {oneof.name} "
    return f"{field.number} {label}{type_of(field)}"


def walk(descriptor, facts):
    if descriptor.GetOptions().map_entry:
        return
    facts["messages"][descriptor.full_name] = {f.name: described(f) for f in descriptor.fields}
    for nested in descriptor.enum_types:
        enum(nested, facts)
    for nested in descriptor.nested_types:
        walk(nested, facts)


def enum(descriptor, facts):
    facts["enums"][descriptor.full_name] = {value.name: value.number for value in descriptor.values}


def rpc(method):
    sides = [(method.client_streaming, method.input_type), (method.server_streaming, method.output_type)]
    return " -> ".join(("stream " if stream else "") + kind.full_name for stream, kind in sides)


facts = {"package": PACKAGE, "version": version(PACKAGE), "services": {}, "enums": {}, "messages": {}}
for module in (definition_pb2, service_pb2, admin_pb2):
    file = module.DESCRIPTOR
    for service in file.services_by_name.values():
        facts["services"][service.full_name] = {m.name: rpc(m) for m in service.methods}
    for kind in file.enum_types_by_name.values():
        enum(kind, facts)
    for kind in file.message_types_by_name.values():
        walk(kind, facts)
print(json.dumps(facts, indent=2, sort_keys=False))
