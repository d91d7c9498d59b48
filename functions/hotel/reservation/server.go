// Package reservation tells whether hotels have rooms, and takes them. How many rooms of a hotel are taken in a night, and
// how many it has, is kept in memcached: only what is not there is looked up in the database.
//
// Two quirks of the original are kept, because work and replies depend on them:
//   - A night's key in the cache has the day after the night, twice.
//   - The database is asked for the fields inDate and outDate, where documents have indate and outdate. It never finds any
//     booking, so a night that the cache does not know has no room taken.
package reservation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vswarm/function/documents"
	pb "vswarm/protos/reservation"
)

type server struct {
	pb.UnimplementedReservationServer
	cache    *memcache.Client
	bookings *documents.Collection
	ofNight  *documents.Query
	capacity *documents.Query
}

// Register fills the database and adds the service.
func Register(to *grpc.Server, database string, cache *memcache.Client) error {
	prepared, err := prepare(context.Background(), database)
	if err != nil {
		return err
	}
	prepared.cache = cache
	pb.RegisterReservationServer(to, prepared)
	return nil
}

func prepare(ctx context.Context, addr string) (*server, error) {
	database, err := documents.Open(ctx, addr, "reservation-db")
	if err != nil {
		return nil, err
	}
	bookings, err := database.Empty(ctx, "reservation")
	if err != nil {
		return nil, err
	}
	hotelOf := func(b booking) string { return b.HotelID }
	if err := documents.Seed(ctx, bookings, "hotelid", hotelOf, seedBookings()); err != nil {
		return nil, err
	}
	// Not emptied: how many rooms hotels have does not change.
	numbers, err := database.Collection(ctx, "number")
	if err != nil {
		return nil, err
	}
	if err := documents.Seed(ctx, numbers, "hotelid", func(c capacity) string { return c.HotelID }, seedCapacities()); err != nil {
		return nil, err
	}
	ofNight, err := bookings.Query(ctx, "hotelid", "inDate", "outDate")
	if err != nil {
		return nil, err
	}
	byHotel, err := numbers.QueryOne(ctx, "hotelid")
	if err != nil {
		return nil, err
	}
	return &server{bookings: bookings, ofNight: ofNight, capacity: byHotel}, nil
}

func (s *server) CheckAvailability(ctx context.Context, request *pb.Request) (*pb.Result, error) {
	nights, err := nightsOf(request)
	if err != nil {
		return nil, err
	}
	result := &pb.Result{}
	for _, hotel := range request.GetHotelId() {
		free, err := s.free(ctx, hotel, nights, int(request.GetRoomNumber()), nil)
		if err != nil {
			return nil, err
		}
		if free && len(nights) > 0 {
			result.HotelId = append(result.HotelId, hotel)
		}
	}
	return result, nil
}

// MakeReservation takes rooms in the first hotel of the request.
func (s *server) MakeReservation(ctx context.Context, request *pb.Request) (*pb.Result, error) {
	nights, err := nightsOf(request)
	if err != nil {
		return nil, err
	}
	if len(request.GetHotelId()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "the request names no hotel")
	}
	hotel, rooms := request.GetHotelId()[0], int(request.GetRoomNumber())
	taken := map[string]int{}
	free, err := s.free(ctx, hotel, nights, rooms, taken)
	if err != nil {
		return nil, err
	}
	if !free {
		return &pb.Result{}, nil
	}
	for _, night := range nights {
		key := night.key(hotel)
		if err := s.set(key, taken[key]+rooms); err != nil {
			return nil, err
		}
	}
	for _, night := range nights {
		document := booking{
			HotelID:      hotel,
			CustomerName: request.GetCustomerName(),
			InDate:       night.in,
			OutDate:      night.out,
			Number:       rooms,
		}
		if err := s.bookings.Insert(ctx, document); err != nil {
			return nil, status.Errorf(codes.Internal, "booking hotel %q: %v", hotel, err)
		}
	}
	return &pb.Result{HotelId: []string{hotel}}, nil
}

// free tells whether a hotel has so many rooms in every night. How many are taken is stored by the key of the night: in
// taken if there is one, else in the cache.
func (s *server) free(ctx context.Context, hotel string, nights []night, rooms int, taken map[string]int) (bool, error) {
	for _, night := range nights {
		count, err := s.cached(night.key(hotel), taken == nil, func() (int, error) { return s.booked(ctx, hotel, night) })
		if err != nil {
			return false, err
		}
		capacity, err := s.cached(hotel+"_cap", true, func() (int, error) { return s.roomsOf(ctx, hotel) })
		if err != nil {
			return false, err
		}
		fmt.Printf("hotel %s, night of %s: %d of %d rooms are taken, %d wanted\n", hotel, night.in, count, capacity, rooms)
		if count+rooms > capacity {
			return false, nil
		}
		if taken != nil {
			taken[night.key(hotel)] = count
		}
	}
	return true, nil
}

// cached returns the number that the cache has under key, or else the one looked up, which is stored there if so told.
func (s *server) cached(key string, store bool, lookUp func() (int, error)) (int, error) {
	item, err := s.cache.Get(key)
	if err == nil {
		fmt.Printf("memcached hit: %s = %s\n", key, item.Value)
		return strconv.Atoi(string(item.Value))
	}
	if !errors.Is(err, memcache.ErrCacheMiss) {
		return 0, status.Errorf(codes.Internal, "memcached: %v", err)
	}
	fmt.Printf("memcached miss: %s\n", key)
	number, err := lookUp()
	if err != nil {
		return 0, status.Errorf(codes.Internal, "looking up %s: %v", key, err)
	}
	if store {
		err = s.set(key, number)
	}
	return number, err
}

func (s *server) set(key string, number int) error {
	if err := s.cache.Set(&memcache.Item{Key: key, Value: []byte(strconv.Itoa(number))}); err != nil {
		return status.Errorf(codes.Internal, "memcached: %v", err)
	}
	return nil
}

// booked sums the bookings of a night that the database finds: none, see above.
func (s *server) booked(ctx context.Context, hotel string, night night) (int, error) {
	found, err := documents.Find[booking](ctx, s.ofNight, hotel, night.in, night.out)
	rooms := 0
	for _, b := range found {
		rooms += b.Number
	}
	return rooms, err
}

func (s *server) roomsOf(ctx context.Context, hotel string) (int, error) {
	found, err := documents.Find[capacity](ctx, s.capacity, hotel)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("there is no hotel %q", hotel)
	}
	return found[0].Number, nil
}

// night is from one day to the next.
type night struct {
	in, out string
}

// key is the night's in the cache: of the day after, twice.
func (n night) key(hotel string) string {
	return hotel + "_" + n.out + "_" + n.out
}

// nightsOf returns the nights between the request's dates. Days are taken at noon, where no time zone can move them.
func nightsOf(request *pb.Request) ([]night, error) {
	day, err := noon(request.GetInDate())
	if err != nil {
		return nil, err
	}
	last, err := noon(request.GetOutDate())
	if err != nil {
		return nil, err
	}
	var nights []night
	for day.Before(last) {
		next := day.AddDate(0, 0, 1)
		nights = append(nights, night{in: day.Format(time.DateOnly), out: next.Format(time.DateOnly)})
		day = next
	}
	return nights, nil
}

func noon(date string) (time.Time, error) {
	day, err := time.Parse(time.RFC3339, date+"T12:00:00+00:00")
	if err != nil {
		return day, status.Errorf(codes.InvalidArgument, "the date %q is not of the form 2015-04-09", date)
	}
	return day, nil
}
