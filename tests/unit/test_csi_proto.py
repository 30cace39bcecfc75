"""The protos that this repository keeps are cut down by hand: what is left must be upstream's on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message_factory import GetMessageClass

from csi import csi_pb2, registration_pb2
from csi.controller import ControllerService
from csi.identity import IdentityService, RegistrationService
from csi.node import NodeService

KINDS: dict[int, str] = {
    number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()
}
UPSTREAM = Path(__file__).parents[1] / "data" / "csi" / "upstream.txt"


def described(file: FileDescriptor) -> Iterator[str]:
    """A line for each field, enum value and call of a proto, in the form of upstream.txt."""
    for message in file.message_types_by_name.values():
        yield from _described(message)
    for service in file.services_by_name.values():
        for call in service.methods_by_name.values():
            yield f"{call.full_name}({call.input_type.full_name}) {call.output_type.full_name}"


def _described(message: Descriptor) -> Iterator[str]:
    for field in message.fields_by_name.values():
        named = field.message_type or field.enum_type
        kind = named.full_name if named else KINDS[field.type]
        yield f"{field.full_name} = {field.number} {'repeated ' if field.is_repeated else ''}{kind}"
    for enum in message.enum_types_by_name.values():
        for value in enum.values_by_name.values():
            yield f"{enum.full_name}.{value.name} = {value.number}"
    for nested in message.nested_types_by_name.values():
        yield from _described(nested)


def test_names_numbers_and_types_are_upstream_s() -> None:
    upstream = [line for line in UPSTREAM.read_text().splitlines() if not line.startswith("#")]
    ours = [*described(csi_pb2.DESCRIPTOR), *described(registration_pb2.DESCRIPTOR)]
    assert sorted(ours) == sorted(upstream)


SERVICES = [
    (csi_pb2.DESCRIPTOR.services_by_name["Identity"], IdentityService),
    (csi_pb2.DESCRIPTOR.services_by_name["Node"], NodeService),
    (csi_pb2.DESCRIPTOR.services_by_name["Controller"], ControllerService),
    (registration_pb2.DESCRIPTOR.services_by_name["Registration"], RegistrationService),
]


@pytest.mark.parametrize(("service", "target"), SERVICES, ids=lambda value: getattr(value, "name", None))
def test_each_call_takes_and_returns_the_proto_s_messages(service: ServiceDescriptor, target: type) -> None:
    """The server finds methods by their names, where mypy sees nothing."""
    for call in service.methods_by_name.values():
        request, _, answer = get_type_hints(getattr(target, call.name)).values()
        assert request is GetMessageClass(call.input_type), call.full_name
        assert answer is GetMessageClass(call.output_type), call.full_name
