"""The online shop's order confirmations, in the original's dummy mode.

Nothing is sent: a request is logged and answered. The template of the e-mail is loaded when the server starts, with all of
Jinja2, and never rendered.
"""

import os
import signal
from concurrent import futures
from pathlib import Path

import grpc
import jinja2

import health_pb2
import health_pb2_grpc
import hipstershop_pb2
import hipstershop_pb2_grpc
from jsonlog import logger

WORKERS = 10

log = logger("emailservice-server")

templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=jinja2.select_autoescape(["html"]),
)
template = templates.get_template("confirmation.html")


class DummyEmail(hipstershop_pb2_grpc.EmailServiceServicer):
    """Logs instead of sending."""

    def SendOrderConfirmation(self, request, context):
        log.info(
            "A request to send order confirmation email to %s has been received.", request.email
        )
        return hipstershop_pb2.Empty()


class Health(health_pb2_grpc.HealthServicer):
    """Always well."""

    def Check(self, request, context):
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def main():
    address = "[::]:" + os.environ.get("PORT", "8080")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=WORKERS))
    hipstershop_pb2_grpc.add_EmailServiceServicer_to_server(DummyEmail(), server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    log.info("emailservice listens on %s", address)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
