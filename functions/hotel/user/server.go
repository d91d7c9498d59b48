// Package user checks passwords. Every call asks the database, which looks through its users one by one.
package user

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vswarm/function/documents"
	pb "vswarm/protos/user"
)

// users are "hello" and user_1 to user_499.
const users = 500

// account is a document of user-db.user.
type account struct {
	Username string `json:"username"`
	// SHA-256 in hexadecimal.
	Password string `json:"password"`
}

type server struct {
	pb.UnimplementedUserServer
	byName *documents.Query
}

// Register fills the database and adds the service.
func Register(to *grpc.Server, database string) error {
	byName, err := prepare(context.Background(), database)
	if err != nil {
		return err
	}
	pb.RegisterUserServer(to, &server{byName: byName})
	return nil
}

func prepare(ctx context.Context, addr string) (*documents.Query, error) {
	database, err := documents.Open(ctx, addr, "user-db")
	if err != nil {
		return nil, err
	}
	collection, err := database.Empty(ctx, "user")
	if err != nil {
		return nil, err
	}
	if err := collection.InsertAll(ctx, seed()); err != nil {
		return nil, err
	}
	return collection.QueryOne(ctx, "username")
}

func seed() []account {
	list := []account{{Username: "hello", Password: digest("hello")}}
	for i := 1; i < users; i++ {
		list = append(list, account{
			Username: fmt.Sprintf("user_%d", i),
			Password: digest(fmt.Sprintf("pass_%d", i)),
		})
	}
	return list
}

func digest(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func (s *server) CheckUser(ctx context.Context, request *pb.Request) (*pb.Result, error) {
	fmt.Println("CheckUser:", request.GetUsername())
	given := digest(request.GetPassword())
	found, err := documents.Find[account](ctx, s.byName, request.GetUsername())
	if err != nil {
		return nil, status.Errorf(codes.Internal, "looking for the user: %v", err)
	}
	correct := len(found) == 1 && found[0].Password == given
	fmt.Println("CheckUser: correct", correct)
	return &pb.Result{Correct: correct}, nil
}
