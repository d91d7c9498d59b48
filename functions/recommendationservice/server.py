"""The online shop's recommendations: up to five random products that the user has not chosen.

Every call asks the product catalog, at PRODUCT_CATALOG_SERVICE_ADDR (host:port), for all products. SEED (default 1) seeds
the choice, so the n-th call of every run recommends the same.
"""

import os
import random
import signal
import sys
from concurrent import futures

import grpc

import health_pb2
import health_pb2_grpc
import hipstershop_pb2
import hipstershop_pb2_grpc
from jsonlog import logger

WORKERS = 10
MAX_PRODUCTS = 5

log = logger("recommendationservice-server")


class Recommendation(hipstershop_pb2_grpc.RecommendationServiceServicer):
    """Chooses among the products of a catalog."""

    def __init__(self, catalog, seed):
        self.catalog = catalog
        self.random = random.Random(seed)

    def ListRecommendations(self, request, context):
        # Waits for a catalog that has just been started.
        products = self.catalog.ListProducts(hipstershop_pb2.Empty(), wait_for_ready=True).products
        others = {product.id for product in products} - set(request.product_ids)
        # Sorted: the order of a set of strings differs from one start of Python to the next.
        others = sorted(others)
        chosen = self.random.sample(others, min(MAX_PRODUCTS, len(others)))
        log.info("[Recv ListRecommendations] product_ids=%s", chosen)
        return hipstershop_pb2.ListRecommendationsResponse(product_ids=chosen)


class Health(health_pb2_grpc.HealthServicer):
    """Always well."""

    def Check(self, request, context):
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def main():
    catalog_address = os.environ.get("PRODUCT_CATALOG_SERVICE_ADDR")
    if not catalog_address:
        sys.exit("recommendationservice needs PRODUCT_CATALOG_SERVICE_ADDR in its environment")
    channel = grpc.insecure_channel(catalog_address)
    catalog = hipstershop_pb2_grpc.ProductCatalogServiceStub(channel)
    service = Recommendation(catalog, int(os.environ.get("SEED", "1")))

    address = "[::]:" + os.environ.get("PORT", "8080")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=WORKERS))
    hipstershop_pb2_grpc.add_RecommendationServiceServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    log.info("recommendationservice listens on %s, catalog %s", address, catalog_address)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
