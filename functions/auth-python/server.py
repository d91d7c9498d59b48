"""A mock authorizer as a gRPC function in Python.

What an authorizer of an API gateway does with a request's token: one that holds "allow" or "deny" becomes a policy for
one made-up method, any other is unauthorized. The call itself always succeeds. One worker thread serves one request at
a time, as a serverless runtime does.
"""

import argparse
import platform
import signal
from concurrent import futures

import grpc

import auth_pb2
import auth_pb2_grpc

METHOD_ARN = "arn:aws:execute-api:eu-central-1:123456789012:vswarm/prod/GET/hello"


def new_policy(principal, effect, resource):
    """Lets the principal have the effect ("Allow", "Deny") on the resource.

    The form is that of AWS, "API Gateway Lambda authorizer output".
    """
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
            ],
        },
        "context": {"stringKey": "stringval", "numberKey": 123, "booleanKey": True},
    }


def authorize(token):
    """What the token gives, as text."""
    if "allow" in token:
        return str(new_policy("user", "Allow", METHOD_ARN))
    if "deny" in token:
        return str(new_policy("user", "Deny", METHOD_ARN))
    return "unauthorized"


class Greeter(auth_pb2_grpc.GreeterServicer):
    """The service of protos/auth.proto."""

    def SayHello(self, request, context):
        return auth_pb2.HelloReply(
            message=f"fn: auth-python | input: {request.name} | output: {authorize(request.name)} "
            f"| runtime: python {platform.python_version()}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-a", "--addr", default="0.0.0.0", help="address to listen on")
    parser.add_argument("-p", "--port", default="50051", help="port to listen on")
    options = parser.parse_args()

    address = f"{options.addr}:{options.port}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    auth_pb2_grpc.add_GreeterServicer_to_server(Greeter(), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"auth-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
