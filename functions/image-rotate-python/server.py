"""Image-rotate as a gRPC function in Python: four of Pillow's filters and a quarter turn, the result thrown away.

The request names an image beside this file; without a name it is the default one. An image that is not there makes the RPC
fail with NOT_FOUND. The reply tells the turned image's size and the colour in its middle.
"""

import argparse
import platform
import signal
from concurrent import futures
from pathlib import Path

import grpc
from PIL import Image, ImageFilter

import image_rotate_pb2
import image_rotate_pb2_grpc

IMAGES = Path(__file__).parent
FILTERS = (
    ImageFilter.BLUR,  # 5x5
    ImageFilter.MinFilter,
    ImageFilter.EDGE_ENHANCE_MORE,
    ImageFilter.SHARPEN,
)


def rotate(path):
    """The filtered image, turned counter-clockwise."""
    with Image.open(path) as image:
        for each in FILTERS:
            image = image.filter(each)
        return image.transpose(Image.Transpose.ROTATE_90)


class ImageRotate(image_rotate_pb2_grpc.ImageRotateServicer):
    """The service of protos/image_rotate.proto."""

    def __init__(self, default):
        self.default = default

    def RotateImage(self, request, context):
        name = request.name or self.default
        # The name's last part: requests reach only files of the function.
        path = IMAGES / Path(name).name
        if not path.is_file():
            context.abort(grpc.StatusCode.NOT_FOUND, f"no image {name!r} in the image of the function")
        turned = rotate(path)
        width, height = turned.size
        middle = turned.getpixel((width // 2, height // 2))
        return image_rotate_pb2.GetRotatedImage(
            message=f"fn: image-rotate-python | input: {name} | output: {width}x{height}, "
            f"{middle} in the middle | runtime: python {platform.python_version()}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--addr", default="0.0.0.0")
    parser.add_argument("--port", default="50051")
    parser.add_argument("--default_image", default="landscape.jpg")
    options = parser.parse_args()

    address = f"{options.addr}:{options.port}"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    image_rotate_pb2_grpc.add_ImageRotateServicer_to_server(ImageRotate(options.default_image), server)
    server.add_insecure_port(address)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=0))
    server.start()
    print(f"image-rotate-python listens on {address}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
