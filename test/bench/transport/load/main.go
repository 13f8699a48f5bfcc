// Calls one method again and again with the same bytes, on one connection, and prints how often as a line of JSON.
//
//	load -address 127.0.0.1:8081 -method /package.Service/Method -payload FILE -inflight 64 -seconds 5 [-stream]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// raw sends and takes messages as the bytes that they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(data []byte, v any) error { *(v.(*[]byte)) = append([]byte{}, data...); return nil }
func (raw) Name() string                       { return "raw" }

type result struct {
	Calls    int64   `json:"calls"`
	Messages int64   `json:"messages"`
	Failures int64   `json:"failures"`
	Seconds  float64 `json:"seconds"`
}

func main() {
	address := flag.String("address", "", "host:port")
	method := flag.String("method", "", "full name of the method")
	file := flag.String("payload", "", "file with the request")
	inflight := flag.Int("inflight", 1, "calls at once")
	seconds := flag.Float64("seconds", 5, "how long")
	stream := flag.Bool("stream", false, "the answer is a stream")
	flag.Parse()
	payload, err := os.ReadFile(*file)
	must(err)
	connection, err := grpc.NewClient("passthrough:///"+*address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(64<<20)))
	must(err)

	var calls, messages, failures atomic.Int64
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	var workers sync.WaitGroup
	for range *inflight {
		workers.Go(func() {
			for time.Now().Before(end) {
				taken, err := call(connection, *method, payload, *stream)
				if err != nil {
					failures.Add(1)
					return
				}
				calls.Add(1)
				messages.Add(taken)
			}
		})
	}
	workers.Wait()
	must(json.NewEncoder(os.Stdout).Encode(result{
		calls.Load(), messages.Load(), failures.Load(), time.Since(begin).Seconds(),
	}))
}

// The headers are those that the API's clients send.
func call(connection *grpc.ClientConn, method string, payload []byte, stream bool) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx,
		"x-mq-client-id", "load@1@1@load", "x-mq-language", "GO",
		"x-mq-client-version", "5.1.0", "x-mq-protocol", "v2", "x-mq-namespace", "")
	var answer []byte
	if !stream {
		return 1, connection.Invoke(ctx, method, &payload, &answer)
	}
	answers, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return 0, err
	}
	if err := answers.SendMsg(&payload); err != nil {
		return 0, err
	}
	if err := answers.CloseSend(); err != nil {
		return 0, err
	}
	for taken := int64(0); ; taken++ {
		err := answers.RecvMsg(&answer)
		if errors.Is(err, io.EOF) {
			return taken, nil
		}
		if err != nil {
			return taken, err
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
