// AES encryption as a gRPC function in Go, with server reflection.
//
// AES-128 in counter mode from crypto/aes; the key is given in hexadecimal, the counter begins at 0. The key schedule
// is computed anew for every request. An empty text, and the text "world", stand for a default one.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	pb "vswarm/protos/aes"
)

var (
	addr             = flag.String("addr", "0.0.0.0:50051", "host:port to listen on")
	key              = flag.String("key", "6368616e676520746869732070617373", "key, in hexadecimal")
	defaultPlaintext = flag.String("default-plaintext", "defaultplaintext", "what is encrypted if the request has no text")
)

type server struct {
	pb.UnimplementedAesServer
	key []byte
}

// encrypt returns the ciphertext of text in hexadecimal.
func encrypt(key []byte, text string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	ciphertext := make([]byte, len(text))
	counter := make([]byte, aes.BlockSize)
	cipher.NewCTR(block, counter).XORKeyStream(ciphertext, []byte(text))
	return hex.EncodeToString(ciphertext), nil
}

func (s *server) ShowEncryption(_ context.Context, request *pb.PlainTextMessage) (*pb.ReturnEncryptionInfo, error) {
	text := request.GetPlaintextMessage()
	if text == "" || text == "world" {
		text = *defaultPlaintext
	}
	ciphertext, err := encrypt(s.key, text)
	if err != nil {
		return nil, err
	}
	return &pb.ReturnEncryptionInfo{EncryptionInfo: fmt.Sprintf(
		"fn: aes-go | input: %s | output: %s | runtime: %s", text, ciphertext, runtime.Version(),
	)}, nil
}

func main() {
	flag.Parse()
	keyBytes, err := hex.DecodeString(*key)
	if err != nil {
		log.Fatalf("aes-go cannot read -key: %v", err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatalf("aes-go cannot listen on %s: %v", *addr, err)
	}
	grpcServer := grpc.NewServer()
	pb.RegisterAesServer(grpcServer, &server{key: keyBytes})
	reflection.Register(grpcServer)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		grpcServer.Stop()
	}()

	fmt.Printf("aes-go listens on %s\n", *addr)
	if err := grpcServer.Serve(listener); err != nil {
		log.Fatalf("aes-go stopped serving: %v", err)
	}
}
