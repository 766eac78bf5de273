// A MongoDB-compatible server for the tests: FerretDB on its SQLite backend.
//
//	ferretdb HOST:PORT DIR
//
// MongoDB promises that an update of one document is atomic; FerretDB 1.x reads and writes in two steps, so two
// connections can both win a compare-and-set. The front door below hands it one command at a time and restores the
// promise, over any number of connections and processes.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

const largestMessage = 48 << 20

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ferretdb HOST:PORT DIR")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	socket := filepath.Join(dir, "engine.sock")
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Handler:   "sqlite",
		SQLiteURL: "file:" + strings.TrimSuffix(dir, "/") + "/",
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	door, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		door.Close()
	}()
	var turn sync.Mutex
	go func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return
			}
			go relay(client, socket, &turn)
		}
	}()
	fmt.Println("listening on", address)
	return server.Run(ctx)
}

// relay passes a client's messages on, each with its answer before anyone's next.
func relay(client net.Conn, socket string, turn *sync.Mutex) {
	defer client.Close()
	engine, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer engine.Close()
	for {
		request, err := message(client)
		if err != nil {
			return
		}
		turn.Lock()
		_, err = engine.Write(request)
		var answer []byte
		if err == nil {
			answer, err = message(engine)
		}
		turn.Unlock()
		if err != nil {
			return
		}
		if _, err = client.Write(answer); err != nil {
			return
		}
	}
}

// message reads one wire protocol message: a little-endian length that counts itself, then the rest.
func message(from io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < 16 || length > largestMessage {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	whole := make([]byte, length)
	copy(whole, head[:])
	_, err := io.ReadFull(from, whole[4:])
	return whole, err
}
