package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// memoryCgroup makes a control group whose processes have limit bytes of memory together, page cache included. It is
// removed after the test; where control groups cannot be made the test is skipped.
func memoryCgroup(t testing.TB, limit int64) string {
	t.Helper()
	for _, v := range []struct{ parent, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir, err := os.MkdirTemp(v.parent, "sandbox")
		if err != nil {
			continue
		}
		t.Cleanup(func() { removeCgroup(t, dir) })
		if err := os.WriteFile(filepath.Join(dir, v.file), strconv.AppendInt(nil, limit, 10), 0); err == nil {
			return dir
		}
	}
	t.Skip("no control group can be made to limit memory")
	return ""
}

// removeCgroup removes a group as soon as its processes, which were killed, are gone.
func removeCgroup(t testing.TB, dir string) {
	var err error
	for range 100 {
		if err = os.Remove(dir); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("control group: %v", err)
}
