package deploy

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"out_sls_kafka/test/deploy/image"
	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// imageDir holds the images that tests have built.
var imageDir string

// authority issues the certificates of all services; images trust it.
var authority = sync.OnceValues(func() (*sls.CA, error) { return sls.NewCA() })

var (
	buildImage  = sync.OnceValues(func() (image.Image, error) { return buildTarget("") })
	buildPlugin = sync.OnceValues(func() (image.Image, error) { return buildTarget("plugin") })
)

// agentImage is the image that the Dockerfile makes, on stand-ins for its bases. Nobody may write to it.
func agentImage(t testing.TB) image.Image {
	t.Helper()
	run.NeedFluentBit(t, "the image")
	need(t, "buildah", "the image (Debian: buildah)")
	need(t, "busybox", "the image (Debian: busybox-static)")
	built, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// pluginImage is the image of --target plugin.
func pluginImage(t testing.TB) image.Image {
	t.Helper()
	need(t, "buildah", "the image of the init container (Debian: buildah)")
	need(t, "busybox", "the image of the init container (Debian: busybox-static)")
	built, err := buildPlugin()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func buildTarget(target string) (image.Image, error) {
	bases, err := standIns()
	if err != nil {
		return image.Image{}, err
	}
	return image.Make(context.Background(), filepath.Join("..", ".."), target, bases, imageDir)
}

// standIns are the base images.
func standIns() (image.Bases, error) {
	ca, err := authority()
	if err != nil {
		return nil, err
	}
	fluentBit, err := run.FluentBit()
	if err != nil && !errors.Is(err, run.ErrNoFluentBit) {
		return nil, err
	}
	return image.StandIns(fluentBit, ca.PEM()), nil
}
