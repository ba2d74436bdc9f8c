package plugin

import (
	"errors"
	"fmt"
	"time"

	"out_sls_kafka/plugin/spool"
)

// openPatience is how long the start of Fluent Bit waits for the disk.
const openPatience = 2 * time.Second

// openSpool opens the spool, if there is to be one. That another output has it, or that a
// newer version wrote it, is an error. What else fails is tried again: a disk may be full,
// or away. Fluent Bit's start waits for one that is slow for openPatience.
func (o *Output) openSpool(env Env) error {
	files := env.Spool
	if files == nil {
		if o.cfg.SpoolPath == "" {
			return nil
		}
		files = spool.Directory(o.cfg.SpoolPath)
	}
	s := &spooler{out: o, files: files, holding: env.Holding, most: o.cfg.MaxHeldChunks, mayLeave: env.Leaving, look: make(chan struct{}, 1), storing: make(chan struct{}, 1)}
	if s.holding == nil {
		s.holding = new(Holding)
	}
	if s.mayLeave == nil {
		s.mayLeave = env.Stopping
	}
	s.unspool = newUnspooler(s)
	var err error
	opened, slow := s.openInBackground(), time.NewTimer(openPatience)
	defer slow.Stop()
	select {
	case err = <-opened:
	case <-slow.C:
		s.opening = opened
		o.log.Warnf("spool_path %s is slow: what is in it is looked through while Fluent Bit goes on, and nothing is kept there before", o.cfg.SpoolPath)
	}
	switch {
	case errors.Is(err, spool.ErrLocked), errors.Is(err, spool.ErrVersion):
		return fmt.Errorf("spool_path %q: %w", o.cfg.SpoolPath, err)
	case err != nil:
		s.pause(time.Now(), err)
	}
	o.spooler = s
	o.background(s.run)
	o.background(s.unspool.run)
	return nil
}

// openInBackground opens the spool, and returns where the result comes.
func (s *spooler) openInBackground() chan error {
	opened := make(chan error, 1)
	go func() {
		defer close(opened)
		defer s.out.recoverPanic(nil)
		opened <- s.open()
	}()
	return opened
}

// waitOpened waits for what began with the output. It returns false if that ends.
func (s *spooler) waitOpened() bool {
	if s.opening == nil {
		return true
	}
	select {
	case err := <-s.opening:
		if err != nil {
			s.pause(time.Now(), err)
		}
		s.unspool.nudge()
		return true
	case <-s.out.quit:
		return false
	}
}

// open opens the spool. If the output has ended, others may have the directory at once.
func (s *spooler) open() error {
	disk, damage, err := spool.Open(s.files, s.out.cfg.SpoolLimit)
	if err != nil {
		return err
	}
	for _, d := range damage {
		s.logDamage(d)
	}
	if st := disk.Stats(); st.Chunks > 0 {
		s.began.Store(true)
		s.out.log.Infof("spool: %d chunks (%d bytes in %s) were left there, and are delivered now", st.Chunks, st.Bytes, s.out.cfg.SpoolPath)
	}
	s.disk.Store(disk)
	if s.ended.Load() {
		disk.Close()
	}
	return nil
}
