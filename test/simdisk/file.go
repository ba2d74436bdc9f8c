package simdisk

import (
	"io"
	"syscall"

	"out_sls_kafka/plugin/spool"
)

type file struct {
	disk *Disk
	data *data
	name string
}

func (f *file) ReadAt(b []byte, offset int64) (int, error) {
	if err := f.disk.check("read", f.name); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if offset >= int64(len(f.data.now)) {
		return 0, io.EOF
	}
	n := copy(b, f.data.now[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, offset int64) (n int, err error) {
	if err := f.disk.check("write", f.name); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if d := f.disk; d.room >= 0 {
		// A full disk refuses what makes a file longer.
		if more := offset + int64(len(b)) - int64(len(f.data.now)); more > d.room {
			b, err = b[:max(0, int64(len(b))-(more-d.room))], syscall.ENOSPC
		}
		d.room -= max(0, offset+int64(len(b))-int64(len(f.data.now)))
	}
	f.put(b, int(offset))
	return len(b), err
}

func (f *file) put(b []byte, offset int) {
	if len(b) == 0 {
		return
	}
	if grow := offset + len(b) - len(f.data.now); grow > 0 {
		f.data.now = append(f.data.now, make([]byte, grow)...)
	}
	copy(f.data.now[offset:], b)
	for s := offset / sector; s <= (offset+len(b)-1)/sector; s++ {
		f.data.dirty[s] = struct{}{}
	}
	f.disk.written += int64(len(b))
}

func (f *file) Truncate(size int64) error {
	if err := f.disk.check("truncate", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if freed := int64(len(f.data.now)) - size; freed > 0 {
		f.data.now = f.data.now[:size:size]
		for s := int(size) / sector; s*sector < len(f.data.durable); s++ {
			f.data.dirty[s] = struct{}{}
		}
		if f.disk.room >= 0 {
			f.disk.room += freed
		}
	}
	return nil
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.data.now)), nil
}

func (f *file) Sync() error {
	if err := f.disk.check("sync", f.name); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.syncs++
	f.data.sync()
	return nil
}

// sync copies what was written since the last time.
func (f *data) sync() {
	if n := len(f.now); n < len(f.durable) {
		f.durable = f.durable[:n:n]
	} else {
		f.durable = append(f.durable, make([]byte, n-len(f.durable))...)
	}
	for s := range f.dirty {
		if from := s * sector; from < len(f.now) {
			copy(f.durable[from:], f.now[from:min(from+sector, len(f.now))])
		}
	}
	clear(f.dirty)
}

func (f *file) Named() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.files[f.name] != f.data {
		return spool.ErrGone
	}
	return nil
}

func (f *file) Close() error { return nil }
