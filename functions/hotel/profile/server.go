// Package profile tells what hotels are called and where they are. Profiles are kept in memcached under the hotel's id, as
// messages in JSON: only what is not there is looked up in the database.
package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bradfitz/gomemcache/memcache"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vswarm/function/documents"
	pb "vswarm/protos/profile"
)

type server struct {
	pb.UnimplementedProfileServer
	cache *memcache.Client
	byID  *documents.Query
}

// Register fills the database and adds the service.
func Register(to *grpc.Server, database string, cache *memcache.Client) error {
	byID, err := prepare(context.Background(), database)
	if err != nil {
		return err
	}
	pb.RegisterProfileServer(to, &server{cache: cache, byID: byID})
	return nil
}

func prepare(ctx context.Context, addr string) (*documents.Query, error) {
	id := func(h hotel) string { return h.ID }
	collection, err := documents.Refill(ctx, addr, "profile-db", "hotels", "id", id, seed())
	if err != nil {
		return nil, err
	}
	return collection.QueryOne(ctx, "id")
}

func (s *server) GetProfiles(ctx context.Context, request *pb.Request) (*pb.Result, error) {
	result := &pb.Result{}
	for _, id := range request.GetHotelIds() {
		found, err := s.get(ctx, id)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "profile of hotel %q: %v", id, err)
		}
		result.Hotels = append(result.Hotels, found)
	}
	return result, nil
}

// get asks the cache, and the database if that does not know. An unknown hotel is an empty one, and cached as such.
func (s *server) get(ctx context.Context, id string) (*pb.Hotel, error) {
	found := &pb.Hotel{}
	item, err := s.cache.Get(id)
	if err == nil {
		return found, json.Unmarshal(item.Value, found)
	}
	if !errors.Is(err, memcache.ErrCacheMiss) {
		return nil, fmt.Errorf("memcached: %w", err)
	}
	list, err := documents.Find[hotel](ctx, s.byID, id)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		found = list[0].message()
	}
	text, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	if err := s.cache.Set(&memcache.Item{Key: id, Value: text}); err != nil {
		return nil, fmt.Errorf("memcached: %w", err)
	}
	return found, nil
}
