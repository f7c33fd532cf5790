package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/lake"
)

// LakeAside opens a lake of its own below a folder, for work on the pipeline that is to leave nothing in its lake.
func (s *Session) LakeAside(folder string) (*lake.Lake, error) {
	p := *s.Pipeline
	p.Lake = hindcast.Location{Written: folder, Scheme: "file", Path: folder}
	store, err := drivers.Lake(&p)
	if err != nil {
		return nil, err
	}
	return lake.New(store, p.Name), nil
}

// BucketAside opens a lake of its own below the pipeline's in its bucket, for engines that read and write there themselves. It may name files of
// the pipeline's lake. Scratch is a folder on this machine for what is on its way. remove removes all of it but that.
func (s *Session) BucketAside(scratch string) (l *lake.Lake, remove func(context.Context) error, err error) {
	name := make([]byte, 6)
	_, _ = rand.Read(name) // never fails
	prefix := lake.Bookkeeping(s.Pipeline.Name) + "aside-" + hex.EncodeToString(name) + "/"
	p, u := *s.Pipeline, *s.Pipeline.Lake.URL
	u.Path = path.Join(u.Path, prefix)
	p.Lake.URL = &u
	store, err := drivers.Lake(&p)
	if err != nil {
		return nil, nil, err
	}
	l = lake.New(store, p.Name)
	l.UseScratch(scratch, nil)
	l.Borrow(s.Lake)
	return l, func(ctx context.Context) error { return s.Store.DeleteAll(ctx, prefix) }, nil
}

// FolderAside makes a folder that the engine's processes can read and write, on other machines too if it is shared. remove
// removes it, and the folders of the lake that were made for it.
func (s *Session) FolderAside(shared bool) (folder string, remove func() error, err error) {
	below := s.spill
	var made []string
	if shared && !s.Lake.Remote() {
		below = filepath.Join(s.Pipeline.Lake.Path, filepath.FromSlash(lake.Bookkeeping(s.Pipeline.Name)))
		for dir := below; !exists(dir); dir = filepath.Dir(dir) {
			made = append(made, dir)
		}
		if err := os.MkdirAll(below, 0o755); err != nil {
			return "", nil, fmt.Errorf("making a folder in the lake: %w", err)
		}
	}

	folder, err = os.MkdirTemp(below, "aside-")
	if err != nil {
		return "", nil, fmt.Errorf("making a folder beside the lake: %w", err)
	}
	return folder, func() error {
		err := os.RemoveAll(folder)
		for _, dir := range made {
			_ = os.Remove(dir) // unless a run uses it by now
		}
		return err
	}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// EngineAside opens the engine of a pipeline that differs from the session's in how much that has. The caller closes both.
func (s *Session) EngineAside(p *hindcast.Pipeline, room engine.Room, slots int, spill string) (engine.Engine, engine.Binder, error) {
	return drivers.Engine(p, drivers.EngineOptions{Store: s.Store, Tags: s.Lake.Tags() + "trial/", Slots: slots, Room: room, Spill: spill, Allowed: append(s.readable(), s.spill), Log: s.toRead.Log})
}
