// Image-rotate as a gRPC function in Go: a JPEG is decoded, turned by a quarter and encoded into a new file.
//
// The request names an image of the working folder, where the ones built into the program are put when it starts; without
// a name it is the default one. An image that is not there makes the RPC fail with NOT_FOUND.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	pb "vswarm/protos/image_rotate"
)

// quality is that of the original's library; the default of image/jpeg is 75.
const quality = 95

//go:embed *.jpg
var samples embed.FS

type rotator struct {
	pb.UnimplementedImageRotateServer
	defaultImage string
}

// turn returns the image turned counter-clockwise by a quarter.
func turn(source image.Image) image.Image {
	from := source.Bounds()
	turned := image.NewRGBA(image.Rect(0, 0, from.Dy(), from.Dx()))
	for y := 0; y < from.Dy(); y++ {
		for x := 0; x < from.Dx(); x++ {
			turned.Set(y, from.Dx()-1-x, source.At(from.Min.X+x, from.Min.Y+y))
		}
	}
	return turned
}

// rotateFile writes the turned image to the path `to` and returns its size in pixels and the file's in bytes.
func rotateFile(from, to string) (image.Point, int64, error) {
	input, err := os.Open(from)
	if err != nil {
		return image.Point{}, 0, err
	}
	defer input.Close()
	picture, err := jpeg.Decode(input)
	if err != nil {
		return image.Point{}, 0, err
	}
	turned := turn(picture)

	output, err := os.Create(to)
	if err != nil {
		return image.Point{}, 0, err
	}
	defer output.Close()
	if err := jpeg.Encode(output, turned, &jpeg.Options{Quality: quality}); err != nil {
		return image.Point{}, 0, err
	}
	file, err := output.Stat()
	if err != nil {
		return image.Point{}, 0, err
	}
	return turned.Bounds().Size(), file.Size(), nil
}

func (r rotator) RotateImage(_ context.Context, request *pb.SendImage) (*pb.GetRotatedImage, error) {
	name := request.GetName()
	if name == "" {
		name = r.defaultImage
	}
	// The name's last part: requests reach only files of the function.
	file := filepath.Base(name)
	size, bytes, err := rotateFile(file, "rotated-"+file)
	if os.IsNotExist(err) {
		return nil, status.Errorf(codes.NotFound, "no image %q in the image of the function", name)
	} else if err != nil {
		return nil, status.Errorf(codes.Internal, "cannot rotate %q: %v", name, err)
	}
	return &pb.GetRotatedImage{Message: fmt.Sprintf(
		"fn: image-rotate-go | input: %s | output: %dx%d, %d bytes | runtime: %s",
		name, size.X, size.Y, bytes, runtime.Version(),
	)}, nil
}

// unpackSamples writes the images that are part of the program into the working folder.
func unpackSamples() error {
	entries, err := samples.ReadDir(".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		content, err := samples.ReadFile(entry.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(entry.Name(), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	addr := flag.String("addr", "0.0.0.0:50051", "host:port to listen on")
	defaultImage := flag.String("default-image", "landscape.jpg", "the image turned when a request names none")
	flag.Parse()

	if err := unpackSamples(); err != nil {
		log.Fatalf("image-rotate-go cannot unpack its images: %v", err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatalf("image-rotate-go cannot listen on %s: %v", *addr, err)
	}
	server := grpc.NewServer()
	pb.RegisterImageRotateServer(server, rotator{defaultImage: *defaultImage})
	reflection.Register(server)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()

	fmt.Printf("image-rotate-go listens on %s\n", *addr)
	if err := server.Serve(listener); err != nil {
		log.Fatalf("image-rotate-go stopped serving: %v", err)
	}
}
