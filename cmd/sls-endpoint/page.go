package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"out_sls_kafka/cmd/sls-endpoint/page"
	"out_sls_kafka/test/sls"
)

// headerTimeout is how long a browser may take over a request's header.
const headerTimeout = 10 * time.Second

// pageServer serves an endpoint's page; one without an address does nothing.
type pageServer struct {
	listener net.Listener
	name     string // that -http says, besides addresses
	server   *http.Server
	ended    chan error
}

// listenPage takes the address of -http, so that a wrong one is told before anything starts.
func listenPage(address string) (*pageServer, error) {
	if address == "" {
		return &pageServer{}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, cannotListen("-http", address, err)
	}
	host, _, _ := net.SplitHostPort(address) // it was listened on
	return &pageServer{listener: l, name: host}, nil
}

// serve starts serving and calls failed where that ends before Close.
func (p *pageServer) serve(e *sls.Endpoint, failed func()) {
	p.server = &http.Server{Handler: page.New(e, p.name), ReadHeaderTimeout: headerTimeout}
	p.ended = make(chan error, 1)
	go func() {
		err := p.server.Serve(p.listener)
		failed()
		p.ended <- err
	}()
}

// Close ends serving and returns what went wrong with it.
func (p *pageServer) Close() error {
	switch {
	case p.listener == nil:
		return nil
	case p.server == nil: // what came before serve went wrong
		return p.listener.Close()
	}
	err := p.server.Close()
	if ended := <-p.ended; !errors.Is(ended, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", ended)
	}
	return err
}
