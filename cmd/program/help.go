package program

import (
	"flag"
	"fmt"
	"strings"
)

// width is how many columns of a terminal help takes.
const width = 100

// help is what -h prints.
func (p *Program) help(flags *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString(wrap(p.Name+" "+p.Summary, width, ""))
	fmt.Fprintf(&b, "\nUsage:\n  %s %s\n\nFlags:\n", p.Name, p.Usage)
	writeFlag(&b, &flag.Flag{Name: "h", Usage: "print this help", Value: nothing{}})
	flags.VisitAll(func(f *flag.Flag) { writeFlag(&b, f) })
	b.WriteString("\nExit status:\n")
	for _, s := range p.Statuses {
		text := wrap(s.When, width-5, "     ")
		fmt.Fprintf(&b, "  %d  %s", s.Code, strings.TrimLeft(text, " "))
	}
	b.WriteString("\nExamples:\n")
	for _, e := range p.Examples {
		fmt.Fprintf(&b, "  # %s\n  %s %s\n", e.What, p.Name, e.Arguments)
	}
	return b.String()
}

// nothing is the value of the flag -h, which the flag package does not list.
type nothing struct{}

func (nothing) String() string   { return "" }
func (nothing) Set(string) error { return nil }
func (nothing) IsBoolFlag() bool { return true }

// writeFlag writes a flag with the unit of its value, what it does, and its default.
func writeFlag(b *strings.Builder, f *flag.Flag) {
	const indent = "        "
	unit, text := flag.UnquoteUsage(f)
	if f.DefValue != "" && f.Name != "version" {
		text += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(b, "  %s\n%s", strings.TrimSpace("-"+f.Name+" "+unit), wrap(text, width-len(indent), indent))
}

// wrap breaks a text into lines of at most columns, each behind an indentation that is not counted.
func wrap(text string, columns int, indent string) string {
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		switch {
		case used == 0:
			b.WriteString(indent)
		case used+1+len(word) > columns:
			b.WriteString("\n" + indent)
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	return b.String() + "\n"
}
