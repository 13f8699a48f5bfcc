// What a client on grpc-go sees of the server: one line a scenario, `ok NAME` or `failed NAME: why`.
//
//	stack CALLS_ADDRESS AGING_ADDRESS [CERTIFICATE]
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw sends and takes messages as the bytes that they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(data []byte, v any) error { *(v.(*[]byte)) = append([]byte{}, data...); return nil }
func (raw) Name() string                       { return "raw" }

const service = "/test.Stacks/"

var duplex = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

type client struct{ *grpc.ClientConn }

func dial(address string) client {
	transport := insecure.NewCredentials()
	if len(os.Args) > 3 {
		trusted, err := credentials.NewClientTLSFromFile(os.Args[3], "localhost")
		if err != nil {
			panic(err)
		}
		transport = trusted
	}
	connection, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.WaitForReady(true),
			grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		panic(err)
	}
	return client{connection}
}

func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

func (c client) unary(method string, request []byte, options ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := patience()
	defer cancel()
	var answer []byte
	err := c.Invoke(ctx, service+method, &request, &answer, options...)
	return answer, err
}

func (c client) count(method string) (int, error) {
	answer, err := c.unary(method, nil)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(answer))
}

// until waits for a count of the server's to reach what is wanted.
func (c client) until(method string, wanted int) error {
	for try := 0; try < 200; try++ {
		if count, err := c.count(method); err != nil || count >= wanted {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s stays below %d", method, wanted)
}

func wantCode(err error, wanted codes.Code) error {
	if status.Code(err) != wanted {
		return fmt.Errorf("%v instead of %v: %w", status.Code(err), wanted, errors.Join(err))
	}
	return nil
}

func wantBytes(got, wanted []byte) error {
	if !bytes.Equal(got, wanted) {
		return fmt.Errorf("%d other bytes instead of %d", len(got), len(wanted))
	}
	return nil
}

func random(size int) []byte {
	content := make([]byte, size)
	rand.New(rand.NewSource(7)).Read(content)
	return content
}

func unary(c client) error {
	for size := 0; size < 100; size++ {
		answer, err := c.unary("Unary", random(size))
		if err != nil {
			return err
		}
		if err := wantBytes(answer, random(size)); err != nil {
			return err
		}
	}
	return nil
}

func metadataBothWays(c client) error {
	ctx, cancel := patience()
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-text", "plain", "x-bytes-bin", "\x00\xff\x01")
	var request, answer []byte
	var head, trailers metadata.MD
	err := c.Invoke(ctx, service+"Unary", &request, &answer, grpc.Header(&head), grpc.Trailer(&trailers))
	if err != nil {
		return err
	}
	if fmt.Sprint(head["x-text"], trailers["x-bytes-bin"]) != fmt.Sprint([]string{"plain"}, []string{"\x00\xff\x01"}) {
		return fmt.Errorf("head %v, trailers %v", head, trailers)
	}
	return nil
}

func statusOf(c client) error {
	_, err := c.unary("Fail", nil)
	if text := status.Convert(err).Message(); text != "100 % größer\n\t😈 " {
		return fmt.Errorf("the text %q", text)
	}
	if err := wantCode(err, codes.FailedPrecondition); err != nil {
		return err
	}
	_, err = c.unary("Missing", nil)
	return wantCode(err, codes.Unimplemented)
}

func serverStreaming(c client) error {
	ctx, cancel := patience()
	defer cancel()
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"Spread")
	if err != nil {
		return err
	}
	request := random(4000)
	if err := errors.Join(stream.SendMsg(&request), stream.CloseSend()); err != nil {
		return err
	}
	for count := 0; ; count++ {
		var answer []byte
		if err := stream.RecvMsg(&answer); err == io.EOF && count == 1000 {
			return nil
		} else if err != nil {
			return fmt.Errorf("after %d answers: %w", count, err)
		}
		if err := wantBytes(answer, request); err != nil {
			return err
		}
	}
}

func clientStreaming(c client) error {
	ctx, cancel := patience()
	defer cancel()
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, service+"Collect")
	if err != nil {
		return err
	}
	request := random(2000)
	for count := 0; count < 1000; count++ {
		if err := stream.SendMsg(&request); err != nil {
			return err
		}
	}
	var answer []byte
	if err := errors.Join(stream.CloseSend(), stream.RecvMsg(&answer)); err != nil {
		return err
	}
	return wantBytes(answer, bytes.Repeat(request, 1000))
}

func chat(c client, rounds int) error {
	ctx, cancel := patience()
	defer cancel()
	stream, err := c.NewStream(ctx, duplex, service+"Chat")
	if err != nil {
		return err
	}
	for round := 0; round < rounds; round++ {
		request, answer := random(100+round), []byte{}
		if err := errors.Join(stream.SendMsg(&request), stream.RecvMsg(&answer)); err != nil {
			return err
		}
		if err := wantBytes(answer, request); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); err != io.EOF {
		return fmt.Errorf("%w instead of the end", err)
	}
	return nil
}

func bidirectional(c client) error { return chat(c, 200) }

func deadline(c client) error {
	before, err := c.count("Cancelled")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var request, answer []byte
	err = c.Invoke(ctx, service+"Sleep", &request, &answer)
	if err := wantCode(err, codes.DeadlineExceeded); err != nil {
		return err
	}
	return c.until("Cancelled", before+1)
}

func cancel(c client) error {
	before, err := c.count("Cancelled")
	if err != nil {
		return err
	}
	ctx, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	stream, err := c.NewStream(ctx, duplex, service+"Hold")
	if err != nil {
		return err
	}
	request, answer := random(10), []byte{}
	if err := errors.Join(stream.SendMsg(&request), stream.RecvMsg(&answer)); err != nil {
		return err
	}
	giveUp()
	if err := wantCode(stream.RecvMsg(&answer), codes.Canceled); err != nil {
		return err
	}
	return c.until("Cancelled", before+1)
}

func largeMessage(c client) error {
	request := random(4 << 20)
	answer, err := c.unary("Unary", request)
	if err != nil {
		return err
	}
	if err := wantBytes(answer, request); err != nil {
		return err
	}
	_, err = c.unary("Unary", random(4<<20+1))
	return wantCode(err, codes.ResourceExhausted)
}

func gzipBothWays(c client) error {
	before, err := c.count("Wire")
	if err != nil {
		return err
	}
	request := make([]byte, 3<<20)
	answer, err := c.unary("Unary", request, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return err
	}
	after, err := c.count("Wire")
	if err == nil && after-before > 200_000 {
		err = fmt.Errorf("%d bytes went over the wire", after-before)
	}
	return errors.Join(err, wantBytes(answer, request))
}

func atOnce(count int, work func() error) error {
	var all sync.WaitGroup
	failed := make(chan error, count)
	for lane := 0; lane < count; lane++ {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := work(); err != nil {
				failed <- err
			}
		}()
	}
	all.Wait()
	close(failed)
	return <-failed
}

func parallelStreams(c client) error {
	request := random(1000)
	calls := func() error {
		answer, err := c.unary("Unary", request)
		return errors.Join(err, wantBytes(answer, request))
	}
	return errors.Join(atOnce(2000, calls), atOnce(500, func() error { return chat(c, 5) }))
}

func reconnect(c client) error {
	for round := 0; round < 5; round++ {
		_, err := c.unary("Cut", nil)
		if err := wantCode(err, codes.Unavailable); err != nil {
			return err
		}
		if _, err := c.unary("Unary", []byte("again")); err != nil {
			return err
		}
	}
	return nil
}

func agedConnections(client) error {
	c := dial(os.Args[2])
	defer c.Close()
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		if _, err := c.unary("Unary", random(100)); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	c := dial(os.Args[1])
	scenarios := []struct {
		name string
		run  func(client) error
	}{
		{"unary", unary},
		{"metadata", metadataBothWays},
		{"status", statusOf},
		{"server streaming", serverStreaming},
		{"client streaming", clientStreaming},
		{"bidirectional streaming", bidirectional},
		{"deadline", deadline},
		{"cancel", cancel},
		{"large message", largeMessage},
		{"gzip", gzipBothWays},
		{"many parallel streams", parallelStreams},
		{"reconnect", reconnect},
		{"connections that end by age", agedConnections},
	}
	for _, scenario := range scenarios {
		if err := scenario.run(c); err != nil {
			fmt.Printf("failed %s: %q\n", scenario.name, err.Error())
		} else {
			fmt.Printf("ok %s\n", scenario.name)
		}
	}
}
