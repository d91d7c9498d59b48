// Fibonacci as a gRPC function in Go, with server reflection.
//
// A name that is not a number counts as 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	pb "vswarm/protos/fibonacci"
)

type greeter struct {
	pb.UnimplementedGreeterServer
}

// fibonacci returns the n-th Fibonacci number by n additions; fibonacci(0) is 0.
func fibonacci(n int) *big.Int {
	current, following := big.NewInt(0), big.NewInt(1)
	for i := 0; i < n; i++ {
		current.Add(current, following)
		current, following = following, current
	}
	return current
}

func (greeter) SayHello(_ context.Context, request *pb.HelloRequest) (*pb.HelloReply, error) {
	n, err := strconv.Atoi(request.GetName())
	if err != nil {
		n = 0
	}
	return &pb.HelloReply{Message: fmt.Sprintf(
		"fn: fibonacci-go | input: %s | output: %s | runtime: %s",
		request.GetName(), fibonacci(n), runtime.Version(),
	)}, nil
}

func main() {
	addr := flag.String("addr", "0.0.0.0:50051", "host:port to listen on")
	flag.Parse()

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatalf("fibonacci-go cannot listen on %s: %v", *addr, err)
	}
	server := grpc.NewServer()
	pb.RegisterGreeterServer(server, greeter{})
	reflection.Register(server)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()

	fmt.Printf("fibonacci-go listens on %s\n", *addr)
	if err := server.Serve(listener); err != nil {
		log.Fatalf("fibonacci-go stopped serving: %v", err)
	}
}
