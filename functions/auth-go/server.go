// A mock authorizer as a gRPC function in Go, with server reflection.
//
// What an authorizer of an API gateway does with a request's token: "allow" and "deny" become a policy for one made-up
// method, "unauthorized" and anything else an outcome without one. The call itself always succeeds.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	pb "vswarm/protos/auth"
)

const methodArn = "arn:aws:execute-api:eu-central-1:123456789012:vswarm/prod/GET/hello"

type greeter struct {
	pb.UnimplementedGreeterServer
}

// The form of a policy: "API Gateway Lambda authorizer output" in the documentation of AWS.
type policy struct {
	PrincipalID    string
	PolicyDocument policyDocument
	Context        map[string]any
}

type policyDocument struct {
	Version   string
	Statement []statement
}

type statement struct {
	Action   string
	Effect   string
	Resource string
}

// newPolicy lets user have the effect ("Allow", "Deny") on the resource.
func newPolicy(user, effect, resource string) policy {
	return policy{
		PrincipalID: user,
		PolicyDocument: policyDocument{
			Version:   "2012-10-17",
			Statement: []statement{{Action: "execute-api:Invoke", Effect: effect, Resource: resource}},
		},
		Context: map[string]any{"stringKey": "stringval", "numberKey": 123, "booleanKey": true},
	}
}

// authorize returns what the token gives, as text.
func authorize(token string) string {
	switch token {
	case "allow":
		return fmt.Sprintf("%+v", newPolicy("user", "Allow", methodArn))
	case "deny":
		return fmt.Sprintf("%+v", newPolicy("user", "Deny", methodArn))
	case "unauthorized":
		return "unauthorized"
	default:
		return "error: invalid token"
	}
}

func (greeter) SayHello(_ context.Context, request *pb.HelloRequest) (*pb.HelloReply, error) {
	return &pb.HelloReply{Message: fmt.Sprintf(
		"fn: auth-go | input: %s | output: %s | runtime: %s",
		request.GetName(), authorize(request.GetName()), runtime.Version(),
	)}, nil
}

func main() {
	addr := flag.String("addr", "0.0.0.0:50051", "host:port to listen on")
	flag.Parse()

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatalf("auth-go cannot listen on %s: %v", *addr, err)
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

	fmt.Printf("auth-go listens on %s\n", *addr)
	if err := server.Serve(listener); err != nil {
		log.Fatalf("auth-go stopped serving: %v", err)
	}
}
