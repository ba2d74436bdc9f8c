package monitoring

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

var update = flag.Bool("update", false, "draw docs/monitoring.png again")

const (
	pictureFile  = "../../../docs/monitoring.png"
	pictureBytes = 220_000 // at most
	columns      = 24      // of Grafana's grid
	sans         = "Sans"
)

var palette = []color.RGBA{{0x3b, 0x7d, 0xd8, 0xff}, {0xe0, 0x8a, 0x1e, 0xff}, {0x2c, 0x9c, 0x5a, 0xff}, {0x8e, 0x55, 0xb5, 0xff}, {0xc4, 0x3c, 0x3c, 0xff}}

// The picture in the document shows the panels of the dashboard as they are, on the recording as it is.
func TestPicture(t *testing.T) {
	t.Parallel()
	want := drawDashboard(t)
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, want); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pictureFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(file) > pictureBytes {
		t.Errorf("%s has %d bytes, more than %d", pictureFile, len(file), pictureBytes)
	}
	got, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%s: %v", pictureFile, err)
	}
	// Machines may round a few pixels differently.
	if share := differing(got, want); share > 0.001 {
		t.Errorf("%s is not what would be drawn now, %.2f%% of it differ: run go test ./monitoring -run TestPicture -update", pictureFile, 100*share)
	}
}

// differing is the share of pixels that differ visibly.
func differing(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	n, size := 0, a.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			const visible = 0x1000
			if max(ar, br)-min(ar, br) > visible || max(ag, bg)-min(ag, bg) > visible || max(ab, bb)-min(ab, bb) > visible {
				n++
			}
		}
	}
	return float64(n) / float64(size.Dx()*size.Dy())
}

// drawDashboard draws every panel in its place.
func drawDashboard(t *testing.T) image.Image {
	t.Helper()
	s, end := readRecording(t)
	d := readDashboard(t)
	rows := 0
	for _, p := range d.Panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	const cell = vg.Length(13)
	img := vgimg.NewWith(vgimg.UseWH(columns*3*cell, vg.Length(rows)*2*cell), vgimg.UseDPI(96))
	all := draw.New(img)
	for _, p := range d.Panels {
		const gap = 5
		g := p.GridPos
		at := draw.Crop(all, vg.Length(g.X)*3*cell+gap, -vg.Length(columns-g.X-g.W)*3*cell-gap,
			vg.Length(rows-g.Y-g.H)*2*cell+gap, -vg.Length(g.Y)*2*cell-gap)
		p.draw(t, at, s, end)
	}
	return img.Image()
}

// curve is one series of a panel.
type curve struct {
	legend string
	points plotter.XYs
}

// parts are the points without the gaps between them, where the query has no answer.
func (c *curve) parts() (parts []plotter.XYs) {
	from := 0
	for i := range c.points {
		if next := i + 1; next == len(c.points) || c.points[next].X-c.points[i].X > scrapeInterval.Seconds() {
			parts = append(parts, c.points[from:next])
			from = next
		}
	}
	return parts
}

func (p *panel) curves(t *testing.T, s *samples, end time.Time) (all []curve) {
	t.Helper()
	for _, target := range p.Targets {
		for _, series := range s.curves(t, target, end) {
			c := curve{legend: legendOf(target.Legend, series)}
			for _, point := range series.Floats {
				c.points = append(c.points, plotter.XY{X: time.UnixMilli(point.T).Sub(beginning).Seconds(), Y: point.F})
			}
			all = append(all, c)
		}
	}
	return all
}

func legendOf(text string, series promql.Series) string {
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		return series.Metric.Get(placeholder.FindStringSubmatch(s)[1])
	})
}

func (p *panel) draw(t *testing.T, at draw.Canvas, s *samples, end time.Time) {
	t.Helper()
	pl, legend := plot.New(), plot.NewLegend()
	pl.Title.Text, pl.Title.TextStyle.Font.Size = p.Title, 9
	legend.TextStyle.Font.Size, legend.Left, legend.ThumbnailWidth, legend.Padding = 7, true, 10, 2
	pl.Title.TextStyle.Font.Variant, legend.TextStyle.Font.Variant = sans, sans
	for _, axis := range []*plot.Axis{&pl.X, &pl.Y} {
		axis.Tick.Label.Font.Variant, axis.Tick.Label.Font.Size, axis.LineStyle.Width, axis.Tick.LineStyle.Width = sans, 7, 0.4, 0.4
	}
	pl.X.Min, pl.X.Max, pl.Y.Min = 0, end.Sub(beginning).Seconds(), 0
	pl.X.Tick.Marker = plot.TickerFunc(minutes)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xe4}, color.Gray{0xe4}
	pl.Add(grid)
	curves := p.curves(t, s, end)
	top := 0.0
	for i, c := range curves {
		if p.Type == "state-timeline" {
			addStates(t, pl, c)
			continue
		}
		var line *plotter.Line
		for _, part := range c.parts() {
			var err error
			if line, err = plotter.NewLine(part); err != nil {
				t.Fatal(err)
			}
			line.Color, line.Width = palette[i%len(palette)], 1
			pl.Add(line)
		}
		legend.Add(c.legend, line)
		_, _, _, highest := plotter.XYRange(c.points)
		top = max(top, highest)
	}
	if pl.Y.Max = top * 1.1; top == 0 {
		pl.Y.Max = 1
	}
	unit := p.FieldConfig.Defaults.Unit
	pl.Y.Tick.Marker = plot.TickerFunc(func(least, most float64) []plot.Tick { return inUnit(least, most, unit) })
	rows := vg.Length(0)
	if p.Type == "state-timeline" {
		pl.Y.Max = 1
		pl.Y.Tick.Marker = plot.ConstantTicks{}
		legend.Add("works", swatch(green))
		legend.Add("in trouble", swatch(red))
		rows = 2
	} else {
		rows = vg.Length(len(curves))
	}
	legendHeight := rows*10 + 4
	pl.Draw(draw.Crop(at, 0, 0, legendHeight, 0))
	legend.Draw(draw.Crop(at, 20, 0, 0, -(at.Max.Y - at.Min.Y - legendHeight)))
}

var green, red = color.RGBA{0x56, 0xa6, 0x4b, 0xff}, color.RGBA{0xd4, 0x3a, 0x3a, 0xff}

// addStates draws a bar that is green where the series is 1, and red where it is not.
func addStates(t *testing.T, pl *plot.Plot, c curve) {
	t.Helper()
	for i := 0; i < len(c.points); {
		point, to := c.points[i], pl.X.Max
		for i < len(c.points) && c.points[i].Y == point.Y {
			i++
		}
		if i < len(c.points) {
			to = c.points[i].X
		}
		bar, err := plotter.NewPolygon(plotter.XYs{{X: point.X, Y: 0.25}, {X: to, Y: 0.25}, {X: to, Y: 0.75}, {X: point.X, Y: 0.75}})
		if err != nil {
			t.Fatal(err)
		}
		bar.Color, bar.LineStyle.Width = red, 0
		if point.Y == 1 {
			bar.Color = green
		}
		pl.Add(bar)
	}
	name, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: 0, Y: 0.85}}, Labels: []string{c.legend}})
	if err != nil {
		t.Fatal(err)
	}
	name.TextStyle[0].Font.Variant, name.TextStyle[0].Font.Size = sans, 7
	pl.Add(name)
}

// swatch is a color in a legend.
type swatch color.RGBA

// Thumbnail implements [plot.Thumbnailer].
func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(color.RGBA(s), []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}})
}

// minutes are the ticks of the time since the recording began.
func minutes(least, most float64) (ticks []plot.Tick) {
	for s := least; s <= most; s += 30 {
		tick := plot.Tick{Value: s}
		if int(s)%60 == 0 {
			tick.Label = fmt.Sprintf("%d min", int(s)/60)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// inUnit labels the ticks with one of Grafana's units.
func inUnit(least, most float64, unit string) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(least, most)
	suffix, ok := map[string]string{"short": "", "percentunit": "", "s": " s", "cps": "/s", "Bps": "B/s", "bytes": "B"}[unit]
	if !ok {
		suffix = " " + unit
	}
	for i := range ticks {
		if ticks[i].Label == "" {
			continue
		}
		v, prefix := ticks[i].Value, ""
		for _, p := range []string{"k", "M", "G"} {
			if v >= 1000 {
				v, prefix = v/1000, p
			}
		}
		if strings.HasSuffix(suffix, "B") || strings.HasPrefix(suffix, "B") {
			prefix = " " + prefix
		}
		ticks[i].Label = fmt.Sprintf("%.4g%s%s", v, prefix, suffix)
	}
	return ticks
}
