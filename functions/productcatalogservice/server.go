// The online shop's product catalog: nine products, listed, looked up by id, or searched for.
//
// The catalog is a JSON file inside the binary, parsed once at the start. SIGUSR1 makes every call parse it again, which
// is far more work than answering; SIGUSR2 ends that. EXTRA_LATENCY (a Go duration, such as 5ms) delays every answer.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	health "vswarm/protos/health"
	pb "vswarm/protos/hipstershop"
)

//go:embed products.json
var productsJSON []byte

type catalog struct {
	pb.UnimplementedProductCatalogServiceServer
	health.UnimplementedHealthServer
	products []*pb.Product
	// Set while every call parses the file again.
	reload       atomic.Bool
	extraLatency time.Duration
}

// parse reads the catalog file.
func parse() ([]*pb.Product, error) {
	var list pb.ListProductsResponse
	if err := protojson.Unmarshal(productsJSON, &list); err != nil {
		return nil, fmt.Errorf("products.json: %w", err)
	}
	return list.GetProducts(), nil
}

// current is what a call works with.
func (c *catalog) current() ([]*pb.Product, error) {
	time.Sleep(c.extraLatency)
	if !c.reload.Load() {
		return c.products, nil
	}
	products, err := parse()
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return products, nil
}

func (c *catalog) ListProducts(context.Context, *pb.Empty) (*pb.ListProductsResponse, error) {
	products, err := c.current()
	if err != nil {
		return nil, err
	}
	return &pb.ListProductsResponse{Products: products}, nil
}

func (c *catalog) GetProduct(_ context.Context, request *pb.GetProductRequest) (*pb.Product, error) {
	products, err := c.current()
	if err != nil {
		return nil, err
	}
	for _, product := range products {
		if product.GetId() == request.GetId() {
			return product, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no product has the id %q", request.GetId())
}

// SearchProducts returns the products that hold the query in their name or description, whatever its case.
func (c *catalog) SearchProducts(_ context.Context, request *pb.SearchProductsRequest) (*pb.SearchProductsResponse, error) {
	products, err := c.current()
	if err != nil {
		return nil, err
	}
	query := strings.ToLower(request.GetQuery())
	response := &pb.SearchProductsResponse{}
	for _, product := range products {
		if strings.Contains(strings.ToLower(product.GetName()), query) ||
			strings.Contains(strings.ToLower(product.GetDescription()), query) {
			response.Results = append(response.Results, product)
		}
	}
	return response, nil
}

func (*catalog) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// listenToSignals turns parsing on every call on and off, and stops the server.
func (c *catalog) listenToSignals(server *grpc.Server) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM)
	for received := range signals {
		if received == syscall.SIGTERM {
			server.Stop()
			return
		}
		c.reload.Store(received == syscall.SIGUSR1)
		slog.Info("catalog file parsed on every call", "enabled", c.reload.Load())
	}
}

// extraLatency reads EXTRA_LATENCY.
func extraLatency() (time.Duration, error) {
	text := os.Getenv("EXTRA_LATENCY")
	if text == "" {
		return 0, nil
	}
	latency, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("EXTRA_LATENCY: %w", err)
	}
	return latency, nil
}

func run() error {
	products, err := parse()
	if err != nil {
		return err
	}
	latency, err := extraLatency()
	if err != nil {
		return err
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3550"
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	service := &catalog{products: products, extraLatency: latency}
	server := grpc.NewServer()
	pb.RegisterProductCatalogServiceServer(server, service)
	health.RegisterHealthServer(server, service)
	go service.listenToSignals(server)
	slog.Info("productcatalogservice listens", "port", port, "products", len(products))
	return server.Serve(listener)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	if err := run(); err != nil {
		slog.Error("productcatalogservice stops", "error", err)
		os.Exit(1)
	}
}
