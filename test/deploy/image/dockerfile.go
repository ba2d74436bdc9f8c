package image

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Dockerfile is what a Dockerfile says.
type Dockerfile struct {
	Stages []instructions.Stage

	text []byte
	args shell.EnvGetter // those before the first FROM
}

// Base is a base image to make.
type Base struct {
	Config ocispecs.ImageConfig
	Fill   func(root string) error // writes the image's files
}

// Bases are base images by their names without tag, such as fluent/fluent-bit.
type Bases map[string]Base

// Read reads dir/Dockerfile.
func Read(dir string) (*Dockerfile, error) {
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("Dockerfile: %w", err)
	}
	stages, args, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, fmt.Errorf("Dockerfile: %w", err)
	}
	var values []string
	for _, a := range args {
		for _, kv := range a.Args {
			values = append(values, kv.Key+"="+kv.ValueString())
		}
	}
	return &Dockerfile{stages, text, shell.EnvsFromSlice(values)}, nil
}

// BaseName is the image of a FROM with its arguments filled in, and whether it is another stage instead.
func (d *Dockerfile) BaseName(s instructions.Stage) (name string, stage bool, err error) {
	name, _, err = shell.NewLex('\\').ProcessWord(s.BaseName, d.args)
	if err != nil {
		return "", false, fmt.Errorf("FROM %s: %w", s.BaseName, err)
	}
	_, stage = instructions.HasStage(d.Stages, name)
	return name, stage, nil
}

// Lint returns what BuildKit's linter has to say, `docker build --check`, a line each.
func (d *Dockerfile) Lint(ctx context.Context, bases Bases) ([]string, error) {
	options := d.options(bases)
	options.SourceMap = llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", d.text)
	options.SourceMap.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(ctx, d.text, options)
	if err != nil {
		return nil, err
	}
	if results.Error != nil {
		return nil, fmt.Errorf("Dockerfile: %s", results.Error.Message)
	}
	var warnings []string
	for _, w := range results.Warnings {
		line := int32(0)
		if ranges := w.Location.GetRanges(); len(ranges) > 0 {
			line = ranges[0].Start.Line
		}
		warnings = append(warnings, fmt.Sprintf("Dockerfile:%d: %s: %s", line, w.RuleName, w.Detail))
	}
	return warnings, nil
}

func (d *Dockerfile) options(bases Bases) dockerfile2llb.ConvertOpt {
	return dockerfile2llb.ConvertOpt{MetaResolver: bases}
}

// ResolveImageConfig lets BuildKit ask for the configuration of a base image.
func (b Bases) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	base, err := b.find(ref)
	if err != nil {
		return "", "", nil, err
	}
	config, err := json.Marshal(ocispecs.Image{Config: base.Config})
	if err != nil {
		return "", "", nil, err
	}
	return ref, digest.FromBytes(config), config, nil
}

func (b Bases) find(ref string) (Base, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return Base{}, err
	}
	base, ok := b[reference.FamiliarName(named)]
	if !ok {
		return Base{}, fmt.Errorf("base image %s: only %q have stand-ins", ref, slices.Sorted(maps.Keys(b)))
	}
	return base, nil
}
