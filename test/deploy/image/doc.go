// Package image makes the root directory of an image from a Dockerfile, for tests where there is no container engine.
// BuildKit's own parser, linter, copier and conversion read the Dockerfile; the base images are stand-ins that the test
// gives, and RUN runs on this machine, in the directory that stands for the stage's working directory.
//
//	d, err := image.Read(dir)                       dir/Dockerfile and dir/.dockerignore
//	warnings, err := d.Lint(ctx, bases)
//	built, err := d.Build(ctx, target, bases, root) fills root; built.Config says how it is run
//	base, err := image.FluentBit(path)              a base image from the program Fluent Bit and its libraries
package image
