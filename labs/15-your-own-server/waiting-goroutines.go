// waiting-goroutines: what a goroutine costs that waits for its client, counted up to a million of them.
//
// Run:       go run labs/15-your-own-server/waiting-goroutines.go
//
//	go run labs/15-your-own-server/waiting-goroutines.go --count 100000 --buffer 16384
//
// Look for:  bytes for each, resident, beside build/bin/waiting-coroutines and build/bin/waiting-threads. The handler
// is goroutine-echo's. In place of a connection stands a channel, so that nothing but the goroutines is counted; each
// client has spoken once and is silent now. In the end all clients are gone, and so are the goroutines.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Stands in for a connection: the client says one word, falls silent, and goes when `gone` is closed.
type parked struct {
	silent bool
	waits  *sync.WaitGroup
	gone   chan struct{}
}

func (p *parked) Read(buffer []byte) (int, error) {
	if !p.silent {
		p.silent = true
		return copy(buffer, "good morning!\n"), nil
	}
	p.waits.Done()
	<-p.gone
	return 0, io.EOF
}

func (p *parked) Write(message []byte) (int, error) { return len(message), nil }
func (p *parked) Close() error                      { return nil }

// As in goroutine-echo.go, but for the size of the buffer.
func echo(connection io.ReadWriteCloser, bufferBytes int) {
	defer connection.Close()
	buffer := make([]byte, bufferBytes)
	for {
		received, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:received]); err != nil {
			return
		}
	}
}

func residentBytes() int {
	var total, resident int
	statm, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(statm), &total, &resident)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "waiting-goroutines: read /proc/self/statm:", err)
		os.Exit(1)
	}
	return resident * os.Getpagesize()
}

func least(one, other int) int {
	if one < other {
		return one
	}
	return other
}

func main() {
	count := flag.Int("count", 1_000_000, "how many, at least 1")
	bufferBytes := flag.Int("buffer", 0, "bytes of the buffer that each holds (0: the goroutine alone)")
	flag.Parse()
	if *count < 1 || *bufferBytes < 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "waiting-goroutines: --count takes a number from 1, --buffer one from 0")
		os.Exit(2)
	}

	var waiting, ended sync.WaitGroup
	gone := make(chan struct{})
	fmt.Printf("%12s %14s %16s %17s\n", "goroutines", "resident MB", "bytes for each", "ns to make one")
	before, start, made := residentBytes(), time.Now(), 0
	for step := least(1000, *count); ; step = least(step*10, *count) {
		for ; made < step; made++ {
			waiting.Add(1)
			ended.Add(1)
			go func() {
				defer ended.Done()
				echo(&parked{waits: &waiting, gone: gone}, *bufferBytes)
			}()
		}
		waiting.Wait() // until each of them waits
		took, grown := time.Since(start), residentBytes()-before
		fmt.Printf("%12d %14.1f %16.1f %17.0f\n", step, float64(grown)/1e6, float64(grown)/float64(step),
			float64(took.Nanoseconds())/float64(step))
		if step == *count {
			break
		}
	}
	close(gone)
	ended.Wait()
	fmt.Printf("all %d found their clients gone and have ended\n", *count)
}
