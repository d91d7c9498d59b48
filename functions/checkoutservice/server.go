// The online shop's checkout: an order is seven calls to the other services, and two more for every item.
//
// PlaceOrder reads the user's cart, prices every item in the user's currency, gets and converts a shipping quote, charges
// the card, ships, empties the cart and sends a confirmation. It connects anew for every call it makes, as the original
// does; only the connection to the catalog is kept through the items of an order.
//
// The addresses of all six services (host:port) come from the environment and must be there. Order ids are random; SEED
// (default 1) seeds them.
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
	"syscall"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	health "vswarm/protos/health"
	pb "vswarm/protos/hipstershop"
)

type checkout struct {
	pb.UnimplementedCheckoutServiceServer
	health.UnimplementedHealthServer
	shop shop
}

func (c *checkout) PlaceOrder(ctx context.Context, request *pb.PlaceOrderRequest) (*pb.PlaceOrderResponse, error) {
	slog.Info("[PlaceOrder]", "user_id", request.GetUserId(), "user_currency", request.GetUserCurrency())
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, status.Errorf(codes.Internal, "no order id: %v", err)
	}
	order, err := c.prepare(ctx, request)
	if err != nil {
		return nil, err
	}
	transaction, err := c.shop.charge(ctx, order.total, request.GetCreditCard())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "charging the card: %v", err)
	}
	slog.Info("payment went through", "transaction_id", transaction)
	tracking, err := c.shop.ship(ctx, request.GetAddress(), order.cart)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "shipping: %v", err)
	}
	if err := c.shop.emptyCart(ctx, request.GetUserId()); err != nil {
		return nil, status.Errorf(codes.Internal, "emptying the cart: %v", err)
	}
	result := &pb.OrderResult{
		OrderId:            id.String(),
		ShippingTrackingId: tracking,
		ShippingCost:       order.shipping,
		ShippingAddress:    request.GetAddress(),
		Items:              order.items,
	}
	// The order stands, whether the customer reads of it or not.
	if err := c.shop.confirm(ctx, request.GetEmail(), result); err != nil {
		slog.Warn("no order confirmation", "email", request.GetEmail(), "error", err)
	} else {
		slog.Info("order confirmation sent", "email", request.GetEmail())
	}
	return &pb.PlaceOrderResponse{Order: result}, nil
}

// prepared is an order before it is paid for.
type prepared struct {
	cart     []*pb.CartItem
	items    []*pb.OrderItem
	shipping *pb.Money
	total    *pb.Money
}

// prepare finds out what is ordered and what it costs.
func (c *checkout) prepare(ctx context.Context, request *pb.PlaceOrderRequest) (*prepared, error) {
	cart, err := c.shop.cart(ctx, request.GetUserId())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "getting the cart: %v", err)
	}
	items, err := c.shop.prices(ctx, cart, request.GetUserCurrency())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "pricing the items: %v", err)
	}
	quote, err := c.shop.quote(ctx, request.GetAddress(), cart)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "getting a shipping quote: %v", err)
	}
	shipping, err := c.shop.convert(ctx, quote, request.GetUserCurrency())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "converting the shipping cost: %v", err)
	}
	total := &pb.Money{CurrencyCode: request.GetUserCurrency()}
	total = add(total, shipping)
	for _, item := range items {
		total = add(total, times(item.GetCost(), item.GetItem().GetQuantity()))
	}
	return &prepared{cart: cart, items: items, shipping: shipping, total: total}, nil
}

func (*checkout) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// variable returns an environment variable, or what stands for it if it is not set.
func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func run() error {
	shop, err := shopFromEnvironment()
	if err != nil {
		return err
	}
	seed, err := strconv.ParseInt(variable("SEED", "1"), 10, 64)
	if err != nil {
		return fmt.Errorf("SEED: %w", err)
	}
	// uuid guards its source itself.
	uuid.SetRand(rand.New(rand.NewSource(seed)))
	port := variable("PORT", "5050")
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	service := &checkout{shop: shop}
	server := grpc.NewServer()
	pb.RegisterCheckoutServiceServer(server, service)
	health.RegisterHealthServer(server, service)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()

	slog.Info("checkoutservice listens", "port", port)
	return server.Serve(listener)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	if err := run(); err != nil {
		slog.Error("checkoutservice stops", "error", err)
		os.Exit(1)
	}
}
