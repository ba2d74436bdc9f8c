// Package image builds images with buildah, from the project's Dockerfile, on base images that are made on the spot: no
// registry is asked. It needs root, and no daemon.
//
//	s, err := image.NewStore(dir)                    what buildah keeps is below dir
//	err = s.Commit(ctx, "golang", image.Go())        a base image
//	err = s.Build(ctx, image.Build{...})             buildah bud
//	built, err := s.Unpack(ctx, name)                built.Root holds its files, built.Config says how it is run
//
// Lint says what BuildKit's own linter has against a Dockerfile.
package image
