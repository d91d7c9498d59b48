package main

import (
	"context"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "vswarm/protos/hipstershop"
)

// shop is where the other services are, each as host:port.
type shop struct {
	shippingAddr, catalogAddr, cartAddr, currencyAddr, emailAddr, paymentAddr string
}

// shopFromEnvironment fails if a service has no address: an order needs them all.
func shopFromEnvironment() (shop, error) {
	var found shop
	for name, addr := range map[string]*string{
		"SHIPPING_SERVICE_ADDR":        &found.shippingAddr,
		"PRODUCT_CATALOG_SERVICE_ADDR": &found.catalogAddr,
		"CART_SERVICE_ADDR":            &found.cartAddr,
		"CURRENCY_SERVICE_ADDR":        &found.currencyAddr,
		"EMAIL_SERVICE_ADDR":           &found.emailAddr,
		"PAYMENT_SERVICE_ADDR":         &found.paymentAddr,
	} {
		if *addr = os.Getenv(name); *addr == "" {
			return shop{}, fmt.Errorf("the environment has no %s", name)
		}
	}
	return found, nil
}

// connect leaves the name to the system's resolver (passthrough), as the original does: gRPC's own would also ask the name
// server for a service configuration, once per connection. Calls wait for a service that has just been started.
func connect(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
	)
}

func (s shop) cart(ctx context.Context, user string) ([]*pb.CartItem, error) {
	connection, err := connect(s.cartAddr)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	cart, err := pb.NewCartServiceClient(connection).GetCart(ctx, &pb.GetCartRequest{UserId: user})
	return cart.GetItems(), err
}

func (s shop) emptyCart(ctx context.Context, user string) error {
	connection, err := connect(s.cartAddr)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = pb.NewCartServiceClient(connection).EmptyCart(ctx, &pb.EmptyCartRequest{UserId: user})
	return err
}

// prices looks up what each item costs, in the given currency.
func (s shop) prices(ctx context.Context, items []*pb.CartItem, currency string) ([]*pb.OrderItem, error) {
	connection, err := connect(s.catalogAddr)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	catalog := pb.NewProductCatalogServiceClient(connection)
	priced := make([]*pb.OrderItem, len(items))
	for i, item := range items {
		product, err := catalog.GetProduct(ctx, &pb.GetProductRequest{Id: item.GetProductId()})
		if err != nil {
			return nil, fmt.Errorf("product %q: %w", item.GetProductId(), err)
		}
		price, err := s.convert(ctx, product.GetPriceUsd(), currency)
		if err != nil {
			return nil, fmt.Errorf("converting the price of %q: %w", item.GetProductId(), err)
		}
		priced[i] = &pb.OrderItem{Item: item, Cost: price}
	}
	return priced, nil
}

func (s shop) convert(ctx context.Context, from *pb.Money, to string) (*pb.Money, error) {
	connection, err := connect(s.currencyAddr)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return pb.NewCurrencyServiceClient(connection).
		Convert(ctx, &pb.CurrencyConversionRequest{From: from, ToCode: to})
}

func (s shop) quote(ctx context.Context, to *pb.Address, items []*pb.CartItem) (*pb.Money, error) {
	connection, err := connect(s.shippingAddr)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	quote, err := pb.NewShippingServiceClient(connection).
		GetQuote(ctx, &pb.GetQuoteRequest{Address: to, Items: items})
	return quote.GetCostUsd(), err
}

// ship returns the tracking id.
func (s shop) ship(ctx context.Context, to *pb.Address, items []*pb.CartItem) (string, error) {
	connection, err := connect(s.shippingAddr)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	shipped, err := pb.NewShippingServiceClient(connection).
		ShipOrder(ctx, &pb.ShipOrderRequest{Address: to, Items: items})
	return shipped.GetTrackingId(), err
}

// charge returns the transaction's id.
func (s shop) charge(ctx context.Context, amount *pb.Money, card *pb.CreditCardInfo) (string, error) {
	connection, err := connect(s.paymentAddr)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	charged, err := pb.NewPaymentServiceClient(connection).
		Charge(ctx, &pb.ChargeRequest{Amount: amount, CreditCard: card})
	return charged.GetTransactionId(), err
}

func (s shop) confirm(ctx context.Context, email string, order *pb.OrderResult) error {
	connection, err := connect(s.emailAddr)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = pb.NewEmailServiceClient(connection).
		SendOrderConfirmation(ctx, &pb.SendOrderConfirmationRequest{Email: email, Order: order})
	return err
}
