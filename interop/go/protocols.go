package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	echoProtocol = "/echo/1.0.0"
	perfProtocol = "/perf/1.0.0"
	// answered by a reset
	resetProtocol = "/reset/1.0.0"
	chunkLength   = 65_536
)

// What is echoed: this block over and over. Its length is a prime, so a chunk that is lost or swapped is seen.
var block = func() []byte {
	bytes := make([]byte, 65_521)
	for i := range bytes {
		bytes[i] = byte(i*31 + (i>>8)*17)
	}
	return bytes
}()

func serve(node host.Host) {
	node.SetStreamHandler(echoProtocol, func(stream network.Stream) {
		finish(stream, func() error {
			_, err := io.CopyBuffer(onlyWriter{stream}, onlyReader{stream}, make([]byte, chunkLength))
			return err
		}())
	})
	node.SetStreamHandler(resetProtocol, func(stream network.Stream) { stream.Reset() })
	node.SetStreamHandler(perfProtocol, func(stream network.Stream) { finish(stream, answerPerf(stream)) })
}

// io.CopyBuffer takes its buffer only where neither side knows a shortcut.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

func finish(stream network.Stream, err error) {
	if err != nil {
		stream.Reset()
		return
	}
	stream.CloseWrite()
}

func answerPerf(stream network.Stream) error {
	var wanted uint64
	if err := binary.Read(stream, binary.BigEndian, &wanted); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return err
	}
	return writeZeros(stream, int(wanted))
}

// perf returns the seconds from the request to the end of the answer.
func perf(ctx context.Context, node host.Host, remote peer.ID, upload, download int) (float64, error) {
	stream, err := node.NewStream(ctx, remote, perfProtocol)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	started := time.Now()

	if err := binary.Write(stream, binary.BigEndian, uint64(download)); err != nil {
		return 0, err
	}
	if err := writeZeros(stream, upload); err != nil {
		return 0, err
	}
	if err := stream.CloseWrite(); err != nil {
		return 0, err
	}
	received, err := io.Copy(io.Discard, stream)
	if err != nil {
		return 0, err
	}
	if received != int64(download) {
		return 0, fmt.Errorf("received %d of %d bytes", received, download)
	}
	return time.Since(started).Seconds(), nil
}

func echo(ctx context.Context, node host.Host, remote peer.ID, length int) error {
	stream, err := node.NewStream(ctx, remote, echoProtocol)
	if err != nil {
		return err
	}
	defer stream.Close()
	sent := make(chan error, 1)

	go func() {
		_, err := io.CopyN(onlyWriter{stream}, &pattern{}, int64(length))
		sent <- errors.Join(err, stream.CloseWrite())
	}()

	return errors.Join(expect(stream, length), <-sent)
}

// echoes has all streams open before it ends the first. Each is written to at once: to open one says nothing to the peer
// yet, and no more than 256 may wait for its answer.
func echoes(ctx context.Context, node host.Host, remote peer.ID, count, length int) error {
	streams := make([]network.Stream, count)
	for i := range streams {
		stream, err := node.NewStream(ctx, remote, echoProtocol)
		if err != nil {
			return err
		}
		defer stream.Close()
		if _, err := io.CopyN(onlyWriter{stream}, &pattern{}, int64(length)); err != nil {
			return err
		}
		streams[i] = stream
	}
	for _, stream := range streams {
		if err := stream.CloseWrite(); err != nil {
			return err
		}
		if err := expect(stream, length); err != nil {
			return err
		}
	}
	return nil
}

func expect(stream network.Stream, length int) error {
	received, err := io.Copy(&pattern{}, stream)
	if err == nil && received != int64(length) {
		err = fmt.Errorf("received %d of %d bytes", received, length)
	}
	return err
}

// pattern reads as the block over and over, and refuses to be written anything else.
type pattern struct{ at int }

func (p *pattern) Read(into []byte) (int, error) {
	n := copy(into, block[p.at:])
	p.at = (p.at + n) % len(block)
	return n, nil
}

func (p *pattern) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		n := min(len(rest), len(block)-p.at)
		if !bytes.Equal(rest[:n], block[p.at:p.at+n]) {
			return 0, errors.New("other bytes came back than were sent")
		}
		p.at = (p.at + n) % len(block)
		rest = rest[n:]
	}
	return len(data), nil
}

func writeZeros(to io.Writer, length int) error {
	zeros := make([]byte, chunkLength)
	for length > 0 {
		n, err := to.Write(zeros[:min(length, chunkLength)])
		if err != nil {
			return err
		}
		length -= n
	}
	return nil
}
