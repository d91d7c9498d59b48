// The online shop's shipping service: a constant quote, and tracking ids, with server reflection.
//
// Tracking ids are random. SEED (default 1) seeds them, so the n-th call of every run gives the same id.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	health "vswarm/protos/health"
	pb "vswarm/protos/hipstershop"
)

type shipping struct {
	pb.UnimplementedShippingServiceServer
	health.UnimplementedHealthServer
	// Guards random: gRPC serves every call on its own goroutine.
	mutex  sync.Mutex
	random *rand.Rand
}

// GetQuote asks the same for everything.
func (*shipping) GetQuote(_ context.Context, request *pb.GetQuoteRequest) (*pb.GetQuoteResponse, error) {
	slog.Info("[GetQuote] received request", "items", len(request.GetItems()))
	defer slog.Info("[GetQuote] completed request")
	return &pb.GetQuoteResponse{
		CostUsd: &pb.Money{CurrencyCode: "USD", Units: 8, Nanos: 990_000_000},
	}, nil
}

func (s *shipping) ShipOrder(_ context.Context, request *pb.ShipOrderRequest) (*pb.ShipOrderResponse, error) {
	slog.Info("[ShipOrder] received request", "items", len(request.GetItems()))
	defer slog.Info("[ShipOrder] completed request")
	to := request.GetAddress()
	address := fmt.Sprintf("%s, %s, %s", to.GetStreetAddress(), to.GetCity(), to.GetState())
	return &pb.ShipOrderResponse{TrackingId: s.trackingID(address)}, nil
}

func (*shipping) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// trackingID returns two letters, the address's length with three digits, half that length with seven digits:
// XY-30123-151234567.
func (s *shipping) trackingID(address string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return fmt.Sprintf("%c%c-%d%s-%d%s",
		s.letter(), s.letter(),
		len(address), s.digits(3),
		len(address)/2, s.digits(7),
	)
}

// letter returns a capital letter, never Z: the original draws from 25.
func (s *shipping) letter() rune {
	return 'A' + rune(s.random.Intn(25))
}

func (s *shipping) digits(count int) string {
	var text strings.Builder
	for range count {
		text.WriteByte('0' + byte(s.random.Intn(10)))
	}
	return text.String()
}

// variable returns an environment variable, or what stands for it if it is not set.
func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func run() error {
	seed, err := strconv.ParseInt(variable("SEED", "1"), 10, 64)
	if err != nil {
		return fmt.Errorf("SEED: %w", err)
	}
	port := variable("PORT", "50051")
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	service := &shipping{random: rand.New(rand.NewSource(seed))}
	server := grpc.NewServer()
	pb.RegisterShippingServiceServer(server, service)
	health.RegisterHealthServer(server, service)
	reflection.Register(server)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()

	slog.Info("shippingservice listens", "port", port)
	return server.Serve(listener)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	if err := run(); err != nil {
		slog.Error("shippingservice stops", "error", err)
		os.Exit(1)
	}
}
