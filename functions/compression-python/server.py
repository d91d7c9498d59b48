"""Compression as a gRPC function in Python: zlib at level 9 over a file of the image, the result thrown away.

The request names a file beside this one. Without a name (or with "World", which clients of the greeting functions send)
it is the default file. A file that is not there makes the RPC fail with NOT_FOUND.
"""

import argparse
import platform
import signal
import zlib
from concurrent import futures
from pathlib import Path

import grpc

import compression_pb2
import compression_pb2_grpc

FILES = Path(__file__).parent
LEVEL = 9


class FileCompress(compression_pb2_grpc.FileCompressServicer):
    """The service of protos/compression.proto."""

    def __init__(self, default):
        self.default = default

    def CompressFile(self, request, context):
        name = self.default if request.name in ("", "World") else request.name
        # The name's last part: requests reach only files of the function.
        path = FILES / Path(name).name
        if not path.is_file():
            context.abort(grpc.StatusCode.NOT_FOUND, f"no file {name!r} in the image")
        content = path.read_bytes()
        compressed = zlib.compress(content, LEVEL)
        return compression_pb2.GetCompressedFile(
            message=f"fn: compression-python | input: {name}, {len(content)} bytes "
            f"| output: {len(compressed)} bytes | runtime: python {platform.python_version()}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--addr", default="0.0.0.0")
    parser.add_argument("--port", default="50051")
    parser.add_argument("--def_file", default="book.txt")
    options = parser.parse_args()

    address = f"{options.addr}:{options.port}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
    compression_pb2_grpc.add_FileCompressServicer_to_server(FileCompress(options.def_file), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"compression-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
