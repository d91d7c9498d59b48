// Package rate tells what hotels cost, the dearest first. A hotel's plans are kept in memcached under its id, one message
// a line, as JSON: only what is not there is looked up in the database. The dates of a request mean nothing.
package rate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/bradfitz/gomemcache/memcache"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vswarm/function/documents"
	pb "vswarm/protos/rate"
)

type server struct {
	pb.UnimplementedRateServer
	cache   *memcache.Client
	byHotel *documents.Query
}

// Register fills the database and adds the service.
func Register(to *grpc.Server, database string, cache *memcache.Client) error {
	byHotel, err := prepare(context.Background(), database)
	if err != nil {
		return err
	}
	pb.RegisterRateServer(to, &server{cache: cache, byHotel: byHotel})
	return nil
}

func prepare(ctx context.Context, addr string) (*documents.Query, error) {
	id := func(p plan) string { return p.HotelID }
	collection, err := documents.Refill(ctx, addr, "rate-db", "inventory", "hotelid", id, seed())
	if err != nil {
		return nil, err
	}
	return collection.Query(ctx, "hotelid")
}

func (s *server) GetRates(ctx context.Context, request *pb.Request) (*pb.Result, error) {
	result := &pb.Result{}
	for _, id := range request.GetHotelIds() {
		found, err := s.get(ctx, id)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "rates of hotel %q: %v", id, err)
		}
		result.RatePlans = append(result.RatePlans, found...)
	}
	slices.SortStableFunc(result.RatePlans, func(a, b *pb.RatePlan) int {
		return cmp.Compare(b.GetRoomType().GetTotalRate(), a.GetRoomType().GetTotalRate())
	})
	return result, nil
}

// get asks the cache, and the database if that does not know.
func (s *server) get(ctx context.Context, id string) ([]*pb.RatePlan, error) {
	item, err := s.cache.Get(id)
	if err == nil {
		fmt.Printf("rates of hotel %s from the cache: %s\n", id, item.Value)
		return parse(item.Value)
	}
	if !errors.Is(err, memcache.ErrCacheMiss) {
		return nil, fmt.Errorf("memcached: %w", err)
	}
	found, err := documents.Find[plan](ctx, s.byHotel, id)
	if err != nil {
		return nil, err
	}
	var plans []*pb.RatePlan
	var lines []byte
	for _, p := range found {
		message := p.message()
		text, err := json.Marshal(message)
		if err != nil {
			return nil, err
		}
		plans = append(plans, message)
		lines = append(append(lines, text...), '\n')
	}
	if err := s.cache.Set(&memcache.Item{Key: id, Value: lines}); err != nil {
		return nil, fmt.Errorf("memcached: %w", err)
	}
	return plans, nil
}

func parse(lines []byte) ([]*pb.RatePlan, error) {
	var plans []*pb.RatePlan
	for line := range bytes.Lines(lines) {
		message := &pb.RatePlan{}
		if err := json.Unmarshal(line, message); err != nil {
			return nil, err
		}
		plans = append(plans, message)
	}
	return plans, nil
}
