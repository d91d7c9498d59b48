"""AES encryption as a gRPC function in Python.

pyaes, AES in pure Python: AES-256 in counter mode, the counter begins at 0. The key's characters are its bytes (32 of
them). The key schedule is computed anew for every request. An empty text, and the text "world", stand for a default
one. One worker thread serves one request at a time, as a serverless runtime does.
"""

import argparse
import platform
import signal
from concurrent import futures

import grpc
import pyaes

import aes_pb2
import aes_pb2_grpc


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-a", "--addr", default="0.0.0.0", help="address to listen on")
    parser.add_argument("-p", "--port", default="50051", help="port to listen on")
    parser.add_argument("-k", "--key", default="6368616e676520746869732070617373")
    parser.add_argument(
        "--default_plaintext",
        default="defaultplaintext",
        help="what is encrypted if the request has no text",
    )
    return parser.parse_args()


def encrypt(key, text):
    """The ciphertext of text, as bytes."""
    counter = pyaes.Counter(initial_value=0)
    return pyaes.AESModeOfOperationCTR(key.encode(), counter=counter).encrypt(text)


class Aes(aes_pb2_grpc.AesServicer):
    """The service of protos/aes.proto."""

    def __init__(self, options):
        self.options = options

    def ShowEncryption(self, request, context):
        text = request.plaintext_message
        if text in ("", "world"):
            text = self.options.default_plaintext
        return aes_pb2.ReturnEncryptionInfo(
            encryption_info=f"fn: aes-python | input: {text} "
            f"| output: {encrypt(self.options.key, text)} "
            f"| runtime: python {platform.python_version()}"
        )


def main():
    options = arguments()
    address = f"{options.addr}:{options.port}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    aes_pb2_grpc.add_AesServicer_to_server(Aes(options), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"aes-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
