"""gRPC around plain objects: a service is an object that has a method for each call of the proto."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from csi.call_log import CallLog, problem_in

log = logging.getLogger("csi")
IsActive = Callable[[], bool]
"""Whether the caller still waits for the answer."""
Method = Callable[[Message, IsActive], Message]
Code = grpc.StatusCode
WORKERS = 64


class Failed(Exception):
    """A call that failed: a gRPC status code, and a sentence that the kubelet puts into the pod's events."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def server(address: str, services: Mapping[ServiceDescriptor, object]) -> grpc.Server:
    """Start a server at the unix socket `address`. `services` maps descriptors of the proto to objects.

    Their methods take the request and an IsActive, and return the answer. Raises OSError if it cannot listen.
    """
    path = address.removeprefix("unix://")
    if os.path.exists(path):
        os.unlink(path)  # of a predecessor: a unix socket stays when its process has gone
    made = grpc.server(ThreadPoolExecutor(WORKERS))
    calls = CallLog()
    made.add_generic_rpc_handlers(tuple(_handler(service, target, calls) for service, target in services.items()))
    if not made.add_insecure_port(address):
        raise OSError(f"The driver cannot listen at {address}.")
    os.chmod(path, 0o600)
    made.start()
    return made


def _handler(service: ServiceDescriptor, target: object, calls: CallLog) -> grpc.GenericRpcHandler:
    methods = {
        method.name: grpc.unary_unary_rpc_method_handler(
            _called(method.name, getattr(target, method.name), calls),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _called(name: str, method: Method, calls: CallLog) -> Callable[[Message, grpc.ServicerContext], Message]:
    def call(request: Message, context: grpc.ServicerContext) -> Message:
        began = time.monotonic()
        result = Code.OK, ""
        try:
            answer = method(request, context.is_active)
            result = Code.OK, problem_in(answer)
            return answer
        except Failed as failed:
            result = failed.code, str(failed)
            context.abort(failed.code, str(failed))
        except Exception as error:
            log.exception("%s", name)
            result = Code.UNKNOWN, repr(error)  # as gRPC answers
            raise
        finally:
            calls.write(name, request, result, time.monotonic() - began)

    return call
