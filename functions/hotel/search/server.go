// Package search names the hotels near a place, the dearest first, that have rates: one call to geo and one to rate.
package search

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"vswarm/protos/geo"
	"vswarm/protos/rate"
	pb "vswarm/protos/search"
)

type server struct {
	pb.UnimplementedSearchServer
	geo  geo.GeoClient
	rate rate.RateClient
}

// Register adds the service, which connects to the others at its first call.
func Register(to *grpc.Server, geoAddr, rateAddr string) error {
	toGeo, err := connect(geoAddr)
	if err != nil {
		return fmt.Errorf("geo: %w", err)
	}
	toRate, err := connect(rateAddr)
	if err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	pb.RegisterSearchServer(to, &server{geo: geo.NewGeoClient(toGeo), rate: rate.NewRateClient(toRate)})
	return nil
}

// connect leaves the name to the system's resolver (passthrough): gRPC's own would also ask the name server for a service
// configuration. Calls wait for a service that has just been started.
func connect(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
	)
}

func (s *server) Nearby(ctx context.Context, request *pb.NearbyRequest) (*pb.SearchResult, error) {
	fmt.Println("hotels near a place are searched")
	fmt.Printf("latitude %f\n", request.GetLat())
	fmt.Printf("longitude %f\n", request.GetLon())
	near, err := s.geo.Nearby(ctx, &geo.Request{Lat: request.GetLat(), Lon: request.GetLon()})
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "geo: %v", err)
	}
	for _, hotel := range near.GetHotelIds() {
		fmt.Printf("hotel %s is near\n", hotel)
	}
	rates, err := s.rate.GetRates(ctx, &rate.Request{
		HotelIds: near.GetHotelIds(),
		InDate:   request.GetInDate(),
		OutDate:  request.GetOutDate(),
	})
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "rate: %v", err)
	}
	result := &pb.SearchResult{}
	for _, plan := range rates.GetRatePlans() {
		result.HotelIds = append(result.HotelIds, plan.GetHotelId())
	}
	return result, nil
}
