// A go-libp2p node for the interoperability matrix. See ../README.md for its command line and the verbs on its stdin.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

type reply map[string]any

func main() {
	listen := flag.String("listen", "", "multiaddrs to listen on, with commas between them")
	cert := flag.String("cert", "", "PEM file: the certificate of secure listeners")
	key := flag.String("key", "", "PEM file: its private key")
	ca := flag.String("ca", "", "PEM file: a certificate to trust when dialling")
	share := flag.Bool("share", false, "tcp, ws and wss listeners share ports")
	flag.Parse()

	node, err := newHost(*listen, *cert, *key, *ca, *share)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	serve(node)

	addresses := []string{}
	for _, address := range node.Addrs() {
		addresses = append(addresses, fmt.Sprintf("%s/p2p/%s", address, node.ID()))
	}
	say(reply{"peer": node.ID(), "addresses": addresses})

	// ends with the program that started this one
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := obey(node, strings.Fields(lines.Text()))
		if err != nil {
			answer = reply{"error": err.Error()}
		}
		say(answer)
	}
}

func newHost(listen, cert, key, ca string, share bool) (host.Host, error) {
	var websockets []any
	options := []libp2p.Option{
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	}

	if listen == "" {
		options = append(options, libp2p.NoListenAddrs)
	} else {
		options = append(options, libp2p.ListenAddrStrings(strings.Split(listen, ",")...))
	}

	if share {
		options = append(options, libp2p.ShareTCPListener(), libp2p.Transport(tcp.NewTCPTransport))
	}

	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		websockets = append(websockets, websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}

	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", ca)
		}
		websockets = append(websockets, websocket.WithTLSClientConfig(&tls.Config{RootCAs: roots}))
	}

	return libp2p.New(append(options, libp2p.Transport(websocket.New, websockets...))...)
}

func obey(node host.Host, words []string) (reply, error) {
	if len(words) == 0 {
		return nil, errors.New("no verb")
	}

	if words[0] == "dial" {
		return dial(node, words[1])
	}

	if words[0] == "exit" {
		os.Exit(0)
	}

	numbers := []int{}
	for _, word := range words[1:] {
		number, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}

	connections := node.Network().Conns()
	if len(connections) != 1 {
		return nil, fmt.Errorf("%d connections instead of 1", len(connections))
	}

	// on the connection there is, not on a new one
	ctx, cancel := context.WithTimeout(network.WithNoDial(context.Background(), words[0]), 2*time.Minute)
	defer cancel()
	remote := connections[0].RemotePeer()

	switch words[0] {
	case "ping":
		result := <-ping.Ping(ctx, node, remote)
		return reply{"ms": result.RTT.Seconds() * 1000, "peer": remote}, result.Error
	case "echo":
		return reply{"bytes": numbers[0]}, echo(ctx, node, remote, numbers[0])
	case "streams":
		return reply{"streams": numbers[0]}, echoes(ctx, node, remote, numbers[0], numbers[1])
	case "perf":
		seconds, err := perf(ctx, node, remote, numbers[0], numbers[1])
		return reply{"seconds": seconds}, err
	case "close":
		return reply{}, connections[0].Close()
	default:
		return nil, fmt.Errorf("unknown verb %s", words[0])
	}
}

func dial(node host.Host, address string) (reply, error) {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	if err := node.Connect(ctx, *info); err != nil {
		return nil, err
	}

	connection := node.Network().ConnsToPeer(info.ID)[0]
	return reply{"peer": connection.RemotePeer(), "address": connection.RemoteMultiaddr().String()}, nil
}

func say(what reply) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
