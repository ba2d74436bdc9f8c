package e2e

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

// The shared object shows Fluent Bit's functions and nothing else: another Go
// plugin in the process has symbols of the same names, and the first one wins.
// What it calls is resolved when it is loaded, and its C is checked at run time.
func TestSymbols(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(binaries.plugin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var exported, needed []string
	for _, s := range symbols {
		if s.Section == elf.SHN_UNDEF {
			needed = append(needed, s.Name)
		} else {
			exported = append(exported, s.Name)
		}
	}
	slices.Sort(exported)
	want := []string{"FLBPluginExit", "FLBPluginExitCtx", "FLBPluginFlushCtx", "FLBPluginInit", "FLBPluginPreRegister", "FLBPluginRegister", "FLBPluginUnregister"}
	if !slices.Equal(exported, want) {
		t.Errorf("it exports %q, want %q", exported, want)
	}
	if !slices.Contains(needed, "__stack_chk_fail") {
		t.Error("its C is built without a stack protector")
	}
	if !slices.ContainsFunc(needed, func(name string) bool { return strings.HasSuffix(name, "_chk") }) {
		t.Error("its C is built without _FORTIFY_SOURCE")
	}
	flags, err := f.DynValue(elf.DT_FLAGS)
	if err != nil || len(flags) != 1 || elf.DynFlag(flags[0])&elf.DF_BIND_NOW == 0 {
		t.Errorf("flags %v, %v: its symbols are resolved one by one", flags, err)
	}
}
