// goroutine-echo: the echo server in Go, a goroutine for each connection.
//
// Run:       go build -o build/own/goroutine-echo labs/15-your-own-server/goroutine-echo.go
//
//	build/bin/harness check -- build/own/goroutine-echo --port 0
//
// Look for:  echo is lab 05's, call for call, and looks as if it blocked. The runtime makes every socket non-blocking
// and waits for all of them in one epoll: lab 12's machinery, out of sight.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 16*1024)
	for {
		received, err := connection.Read(buffer)
		if err != nil {
			return // the end of the stream, or a reset: for an echo all the same
		}
		if _, err := connection.Write(buffer[:received]); err != nil { // all of it, however often it has to wait
			return
		}
	}
}

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 9000, "0: a free one")
	flag.Parse()

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; os.Exit(0) }()

	// The net package listens with the kernel's longest queue (somaxconn), and sets TCP_NODELAY on what it accepts.
	listener, err := net.Listen("tcp", net.JoinHostPort(*host, fmt.Sprint(*port)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "goroutine-echo:", err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil { // such as out of descriptors: it would fail again at once
			fmt.Fprintln(os.Stderr, "goroutine-echo:", err)
			time.Sleep(20 * time.Millisecond)
			continue
		}
		go echo(connection)
	}
}
