package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// checkAddress refuses an address that nobody can listen on.
func checkAddress(flag, address, sample string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %s: want host:port, such as %s", flag, address, sample)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s %s: the port must be a number from 0 to 65535", flag, address)
	}
	return nil
}

// isLoopback tells whether only this machine reaches an address.
func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// cannotListen says which flag an address is of that cannot be listened on, and what to do. Other errors it returns as
// they are.
func cannotListen(flag, address string, err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s %s: another program listens there; stop it, or take another port (0 is any that is free)", flag, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s %s: not an address of this machine", flag, address)
	case ok:
		return fmt.Errorf("%s %s: %w", flag, address, op.Err)
	}
	return err
}
