package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"out_sls_kafka/test/sls"
)

// keyEnding follows the name of the CA's file in that of its key.
const keyEnding = ".key"

// caFromFile returns the CA of an earlier start, so that clients still running trust the endpoint again, or makes one
// and writes it: the certificate to path, its key to path.key.
func caFromFile(path string) (*sls.CA, error) {
	keyPath := path + keyEnding
	certificate, err := os.ReadFile(path)
	if err == nil {
		key, err := os.ReadFile(keyPath)
		if err != nil {
			return nil, fmt.Errorf("-ca-file %s exists but not the key to it in %s: %w; name another file, or remove it", path, keyPath, cause(err))
		}
		ca, err := sls.LoadCA(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("-ca-file %s and %s: %w", path, keyPath, err)
		}
		return ca, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("-ca-file %s: %w", path, cause(err))
	}
	ca, err := sls.NewCA(sls.DefaultHostnames()...)
	if err != nil {
		return nil, err
	}
	key, err := ca.KeyPEM()
	if err != nil {
		return nil, err
	}
	// The key first: who waits for the certificate finds both.
	if err := writePrivate(keyPath, key); err != nil {
		return nil, fmt.Errorf("-ca-file %s: the key cannot be written to %s: %w", path, keyPath, cause(err))
	}
	if err := os.WriteFile(path, ca.PEM(), 0o644); err != nil {
		return nil, fmt.Errorf("-ca-file %s: cannot be written: %w", path, cause(err))
	}
	return ca, nil
}

// writePrivate writes a file that its owner alone may read, also where one with another mode was.
func writePrivate(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// cause is what the system says of a file, without the path.
func cause(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return file.Err
	}
	return err
}
