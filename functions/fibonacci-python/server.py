"""Fibonacci as a gRPC function in Python.

One worker thread serves one request at a time, as a serverless runtime does. A name that is not
a number raises, and the caller sees the RPC fail.
"""

import os
import platform
import signal
import sys
from concurrent import futures

import grpc

import fibonacci_pb2
import fibonacci_pb2_grpc

# Python refuses to print integers of more than 4300 digits unless told otherwise;
# fib(1000000) has about 209000.
MAX_DIGITS = 500_000


def fibonacci(n):
    """The n-th Fibonacci number by n additions; fibonacci(0) is 0."""
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return current


class Greeter(fibonacci_pb2_grpc.GreeterServicer):
    """The service of protos/fibonacci.proto."""

    def SayHello(self, request, context):
        result = fibonacci(int(request.name))
        return fibonacci_pb2.HelloReply(
            message=f"fn: fibonacci-python | input: {request.name} | output: {result} "
            f"| runtime: python {platform.python_version()}"
        )


def main():
    sys.set_int_max_str_digits(MAX_DIGITS)
    address = "[::]:" + os.environ.get("GRPC_PORT", "50051")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    fibonacci_pb2_grpc.add_GreeterServicer_to_server(Greeter(), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"fibonacci-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
