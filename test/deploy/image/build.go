package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fscopy "github.com/tonistiigi/fsutil/copy"
)

// Image is an image whose files lie in a directory.
type Image struct {
	Root   string
	Config ocispecs.ImageConfig
}

// Command is what runs in a container of the image, with args, if any, in place of its own.
func (i Image) Command(args ...string) []string {
	if len(args) == 0 {
		args = i.Config.Cmd
	}
	return append(append([]string(nil), i.Config.Entrypoint...), args...)
}

// build is the building of one target.
type build struct {
	*Dockerfile
	bases Bases
	dir   string // holds the context and a root for each stage that was needed
	roots map[string]string
}

// Make is what docker build --target makes of the Dockerfile in project, in a new directory below dir.
func Make(ctx context.Context, project, target string, bases Bases, dir string) (Image, error) {
	d, err := Read(project)
	if err != nil {
		return Image{}, err
	}
	if dir, err = os.MkdirTemp(dir, "image"); err != nil {
		return Image{}, err
	}
	return d.Build(ctx, target, bases, dir)
}

// Build makes the target, "" is the last stage, below the empty directory dir.
func (d *Dockerfile) Build(ctx context.Context, target string, bases Bases, dir string) (Image, error) {
	b := build{d, bases, dir, make(map[string]string)}
	if err := fscopy.Copy(ctx, d.dir, "/", b.context(), "/", b.filtered); err != nil {
		return Image{}, fmt.Errorf("context: %w", err)
	}
	stage := len(d.Stages) - 1
	if target != "" {
		var found bool
		if stage, found = instructions.HasStage(d.Stages, target); !found {
			return Image{}, fmt.Errorf("Dockerfile has no stage %q", target)
		}
	}
	root, err := b.stage(ctx, d.Stages[stage])
	if err != nil {
		return Image{}, err
	}
	config, err := d.config(ctx, target, bases)
	return Image{root, config}, err
}

func (b *build) context() string { return filepath.Join(b.dir, "context") }

func (b *build) filtered(ci *fscopy.CopyInfo) {
	copied(ci)
	ci.ExcludePatterns = b.ignored
}

// copied says how files are copied: they become root's, or where the builder is not root, the builder's own.
func copied(ci *fscopy.CopyInfo) {
	ci.CopyDirContents = true
	fscopy.WithChown(os.Getuid(), os.Getgid())(ci)
}

// stage returns the root of a stage, which it makes first.
func (b *build) stage(ctx context.Context, s instructions.Stage) (root string, err error) {
	key := s.Name + s.BaseName
	if root = b.roots[key]; root != "" {
		return root, nil
	}
	root = filepath.Join(b.dir, fmt.Sprint("stage", len(b.roots)))
	b.roots[key] = root
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	if err := b.fill(ctx, s, root); err != nil {
		return "", err
	}
	steps := stage{build: b, root: root, dir: "/"}
	for _, c := range s.Commands {
		if err := steps.do(ctx, c); err != nil {
			return "", fmt.Errorf("Dockerfile:%d: %s: %w", c.Location()[0].Start.Line, c.Name(), err)
		}
	}
	return root, nil
}

// fill writes the files of the base image.
func (b *build) fill(ctx context.Context, s instructions.Stage, root string) error {
	name, stage, err := b.BaseName(s)
	if err != nil {
		return err
	}
	if stage {
		return fmt.Errorf("FROM %s: a stage on a stage is not known here", name)
	}
	base, err := b.bases.find(name)
	if err != nil || base.Fill == nil {
		return err
	}
	return base.Fill(root)
}

// stage is the making of a stage.
type stage struct {
	*build
	root string
	dir  string   // WORKDIR
	args []string // NAME=value
}

// do carries out one instruction. Those that only say how the image is run are BuildKit's, see config.
func (s *stage) do(ctx context.Context, c instructions.Command) error {
	if e, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		lex, args := shell.NewLex('\\'), shell.EnvsFromSlice(s.args)
		if err := e.Expand(func(word string) (string, error) { w, _, err := lex.ProcessWord(word, args); return w, err }); err != nil {
			return err
		}
	}
	switch c := c.(type) {
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			s.args = append(s.args, a.Key+"="+a.ValueString())
		}
	case *instructions.WorkdirCommand:
		s.dir = s.absolute(c.Path)
		return os.MkdirAll(filepath.Join(s.root, s.dir), 0o755)
	case *instructions.VolumeCommand:
		for _, v := range c.Volumes {
			if err := os.MkdirAll(filepath.Join(s.root, v), 0o755); err != nil {
				return err
			}
		}
	case *instructions.CopyCommand:
		return s.copy(ctx, c)
	case *instructions.RunCommand:
		return s.run(ctx, c)
	case *instructions.CmdCommand, *instructions.EntrypointCommand, *instructions.ExposeCommand, *instructions.LabelCommand,
		*instructions.UserCommand:
	default:
		return fmt.Errorf("not known here")
	}
	return nil
}

func (s *stage) absolute(p string) string {
	if path.IsAbs(p) {
		return p
	}
	return path.Join(s.dir, p)
}

func (s *stage) copy(ctx context.Context, c *instructions.CopyCommand) error {
	from := s.context()
	if c.From != "" {
		i, found := instructions.HasStage(s.Stages, c.From)
		if !found {
			return fmt.Errorf("no stage %q", c.From)
		}
		var err error
		if from, err = s.stage(ctx, s.Stages[i]); err != nil {
			return err
		}
	}
	to := s.absolute(c.DestPath)
	if c.DestPath[len(c.DestPath)-1] == '/' || len(c.SourcePaths) > 1 {
		to += "/"
	}
	for _, source := range c.SourcePaths {
		if err := fscopy.Copy(ctx, from, source, s.root, to, fscopy.AllowWildcards, func(ci *fscopy.CopyInfo) {
			copied(ci)
			ci.FollowLinks = true
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) run(ctx context.Context, c *instructions.RunCommand) error {
	args := c.CmdLine
	if c.PrependShell {
		args = append([]string{"/bin/sh", "-c"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(s.root, s.dir), append(os.Environ(), s.args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w\n%s", c.CmdLine, err, out)
	}
	return nil
}
