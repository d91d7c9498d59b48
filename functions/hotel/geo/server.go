// Package geo finds the five hotels nearest to a place. The database is read when the service starts and not again: a call
// works on an index in memory.
package geo

import (
	"context"

	"google.golang.org/grpc"

	"vswarm/function/documents"
	"vswarm/function/hotels"
	pb "vswarm/protos/geo"
)

const (
	maxResults = 5
	maxKm      = 10
)

// point is a document of geo-db.geo.
type point struct {
	HotelID string  `json:"hotelid"`
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
}

type server struct {
	pb.UnimplementedGeoServer
	index *index
}

// Register fills the database, builds the index from it, and adds the service.
func Register(to *grpc.Server, database string) error {
	points, err := load(context.Background(), database)
	if err != nil {
		return err
	}
	pb.RegisterGeoServer(to, &server{index: newIndex(points)})
	return nil
}

func load(ctx context.Context, addr string) ([]point, error) {
	id := func(p point) string { return p.HotelID }
	collection, err := documents.Refill(ctx, addr, "geo-db", "geo", "hotelid", id, seed())
	if err != nil {
		return nil, err
	}
	return documents.All[point](ctx, collection)
}

func seed() []point {
	points := make([]point, hotels.Count)
	for i := range points {
		at := hotels.PositionOf(i + 1)
		points[i] = point{HotelID: hotels.ID(i + 1), Lat: at.Lat, Lon: at.Lon}
	}
	return points
}

func (s *server) Nearby(_ context.Context, request *pb.Request) (*pb.Result, error) {
	result := &pb.Result{}
	for _, near := range s.index.nearest(float64(request.GetLat()), float64(request.GetLon()), maxResults, maxKm) {
		result.HotelIds = append(result.HotelIds, near.HotelID)
	}
	return result, nil
}
