// Package recommendation names the hotels that are nearest to a place, best rated or cheapest, looking at all eighty. The
// database is read when the service starts and not again.
package recommendation

import (
	"context"
	"log"
	"math"

	"google.golang.org/grpc"

	"vswarm/function/documents"
	"vswarm/function/hotels"
	pb "vswarm/protos/recommendation"
)

// hotel is a document of recommendation-db.recommendation.
type hotel struct {
	HotelID string  `json:"hotelid"`
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
	Rate    float64 `json:"rate"`
	Price   float64 `json:"price"`
}

type server struct {
	pb.UnimplementedRecommendationServer
	// In the order of the database. The original has a map, from which equally good hotels come in a random order.
	hotels []hotel
}

// Register fills the database, reads it, and adds the service.
func Register(to *grpc.Server, database string) error {
	found, err := load(context.Background(), database)
	if err != nil {
		return err
	}
	pb.RegisterRecommendationServer(to, &server{hotels: found})
	return nil
}

func load(ctx context.Context, addr string) ([]hotel, error) {
	id := func(h hotel) string { return h.HotelID }
	collection, err := documents.Refill(ctx, addr, "recommendation-db", "recommendation", "hotelid", id, seed())
	if err != nil {
		return nil, err
	}
	return documents.All[hotel](ctx, collection)
}

func seed() []hotel {
	byHand := []struct{ rate, price float64 }{{109, 150}, {139, 120}, {109, 190}, {129, 160}, {119, 140}, {149, 200}}
	list := make([]hotel, hotels.Count)
	for i := range list {
		number := i + 1
		at := hotels.AddressOf(number)
		rate, price := 135.0, 179.0
		if i < len(byHand) {
			rate, price = byHand[i].rate, byHand[i].price
		} else if number%3 == 0 {
			rate, price = hotels.PriceOf(number).Total, hotels.PriceOf(number).Inclusive
		}
		list[i] = hotel{HotelID: hotels.ID(number), Lat: at.Lat, Lon: at.Lon, Rate: rate, Price: price}
	}
	return list
}

func (s *server) GetRecommendations(_ context.Context, request *pb.Request) (*pb.Result, error) {
	result := &pb.Result{}
	switch request.GetRequire() {
	case "dis":
		result.HotelIds = s.least(func(h hotel) float64 { return haversine(request.GetLat(), request.GetLon(), h) })
	case "rate":
		result.HotelIds = s.least(func(h hotel) float64 { return -h.Rate })
	case "price":
		result.HotelIds = s.least(func(h hotel) float64 { return h.Price })
	default:
		log.Printf("there is no recommendation by %q", request.GetRequire())
	}
	return result, nil
}

// least returns the hotels of the least measure: it measures all to find it, and all again to find who has it.
func (s *server) least(measure func(hotel) float64) []string {
	best := math.Inf(1)
	for _, h := range s.hotels {
		best = math.Min(best, measure(h))
	}
	var ids []string
	for _, h := range s.hotels {
		if measure(h) == best {
			ids = append(ids, h.HotelID)
		}
	}
	return ids
}

// haversine is the distance on the earth in kilometres.
func haversine(lat, lon float64, h hotel) float64 {
	const earthKm, toRadians = 6371.0, math.Pi / 180
	north := math.Sin((h.Lat - lat) * toRadians / 2)
	east := math.Sin((h.Lon - lon) * toRadians / 2)
	a := north*north + east*east*math.Cos(lat*toRadians)*math.Cos(h.Lat*toRadians)
	return 2 * earthKm * math.Asin(math.Sqrt(a))
}
