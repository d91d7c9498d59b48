// The hotel functions: one program, started as one of seven services.
//
//	server geo|profile|rate|recommendation|reservation|search|user [flags]
//
// At the start a service drops its documents in the database and writes them anew. There is no point in waiting for a
// database that is not there: the compose file starts a service when its database is healthy.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"vswarm/function/geo"
	"vswarm/function/profile"
	"vswarm/function/rate"
	"vswarm/function/recommendation"
	"vswarm/function/reservation"
	"vswarm/function/search"
	"vswarm/function/user"
)

// Of the original: how long a client may be silent after a ping, and the limits of the memcached client.
const (
	keepaliveTimeout   = 120 * time.Second
	memcachedTimeout   = 2 * time.Second
	memcachedIdleConns = 512
)

// options are where things are, as host:port.
type options struct {
	database, memcached, geo, rate string
}

func (o options) cache() *memcache.Client {
	client := memcache.New(o.memcached)
	client.Timeout = memcachedTimeout
	client.MaxIdleConns = memcachedIdleConns
	return client
}

// services are what the program can be: each prepares itself and registers with the server.
var services = map[string]func(*grpc.Server, options) error{
	"geo": func(server *grpc.Server, o options) error {
		return geo.Register(server, o.database)
	},
	"profile": func(server *grpc.Server, o options) error {
		return profile.Register(server, o.database, o.cache())
	},
	"rate": func(server *grpc.Server, o options) error {
		return rate.Register(server, o.database, o.cache())
	},
	"recommendation": func(server *grpc.Server, o options) error {
		return recommendation.Register(server, o.database)
	},
	"reservation": func(server *grpc.Server, o options) error {
		return reservation.Register(server, o.database, o.cache())
	},
	"search": func(server *grpc.Server, o options) error {
		return search.Register(server, o.geo, o.rate)
	},
	"user": func(server *grpc.Server, o options) error {
		return user.Register(server, o.database)
	},
}

func run(name string, arguments []string) error {
	register, known := services[name]
	if !known {
		return fmt.Errorf("there is no such service; its name is the first argument")
	}
	var o options
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	url := flags.String("url", "0.0.0.0", "what the log says; every interface is listened on")
	port := flags.Int("port", 8083, "port to listen on")
	flags.StringVar(&o.database, "db_addr", "database:5432", "PostgreSQL")
	flags.StringVar(&o.memcached, "memcached_addr", "memcached:11211", "memcached: profile, rate, reservation")
	flags.StringVar(&o.geo, "geoaddr", "0.0.0.0:8084", "the geo service: search")
	flags.StringVar(&o.rate, "rateaddr", "0.0.0.0:8085", "the rate service: search")
	if err := flags.Parse(arguments); err != nil {
		return err
	}

	server := grpc.NewServer(
		grpc.KeepaliveParams(keepalive.ServerParameters{Timeout: keepaliveTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{PermitWithoutStream: true}),
	)
	if err := register(server, o); err != nil {
		return err
	}
	reflection.Register(server)
	// Only now: who can connect can be served.
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", *port))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Stop()
	}()
	fmt.Printf("%s listens on %s:%d\n", name, *url, *port)
	return server.Serve(listener)
}

func main() {
	name, arguments := "", os.Args[1:]
	if len(arguments) > 0 {
		name, arguments = arguments[0], arguments[1:]
	}
	if err := run(name, arguments); err != nil {
		log.Fatalf("hotel service %q stops: %v", name, err)
	}
}
