"""RNN-serving as a gRPC function in Python: names in the manner of a language, written by a recurrent network (model.py).

Names begin with capitals drawn at random, by a generator that starts anew with each request: from the same seed
(RNN_SEED) the same request has the same answer. Defaults stand for a language that the network does not know and for a
number of names that is not positive.
"""

import argparse
import os
import platform
import random
import signal
import string
from concurrent import futures

import grpc

import rnn_serving_pb2
import rnn_serving_pb2_grpc
from model import LANGUAGES, Network


class RNNServing(rnn_serving_pb2_grpc.RNNServingServicer):
    """The service of protos/rnn_serving.proto."""

    def __init__(self, seed, language, count):
        self.network = Network(seed)
        self.seed = seed
        self.default_language = language
        self.default_count = count

    def GenerateString(self, request, context):
        language = request.language if request.language in LANGUAGES else self.default_language
        count = request.numSamples if request.numSamples > 0 else self.default_count
        draw = random.Random(self.seed)
        firsts = (draw.choice(string.ascii_uppercase) for _ in range(count))
        names = ", ".join(self.network.write(language, first) for first in firsts)
        return rnn_serving_pb2.GetString(
            message=f"fn: rnn-serving-python | input: {language} | output: {names} "
            f"| runtime: python {platform.python_version()}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--addr", default="0.0.0.0")
    parser.add_argument("--port", default="50051")
    parser.add_argument("--default_language", default="French", choices=LANGUAGES)
    parser.add_argument("--num_strings", type=int, default=3)
    options = parser.parse_args()
    seed = int(os.environ.get("RNN_SEED", "1"))

    address = f"{options.addr}:{options.port}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    service = RNNServing(seed, options.default_language, options.num_strings)
    rnn_serving_pb2_grpc.add_RNNServingServicer_to_server(service, server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"rnn-serving-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
