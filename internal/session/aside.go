package session

import (
	"fmt"
	"os"
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

// FolderAside makes a folder that the engine's processes can read and write, wherever they are. The caller removes it.
func (s *Session) FolderAside(shared bool) (string, error) {
	below := s.spill
	if shared && !s.Lake.Remote() {
		below = filepath.Join(s.Pipeline.Lake.Path, filepath.FromSlash(lake.Bookkeeping(s.Pipeline.Name)))
		if err := os.MkdirAll(below, 0o700); err != nil {
			return "", fmt.Errorf("making a folder in the lake: %w", err)
		}
	}
	folder, err := os.MkdirTemp(below, "aside-")
	if err != nil {
		return "", fmt.Errorf("making a folder beside the lake: %w", err)
	}
	return folder, nil
}

// EngineAside opens the engine of a pipeline that differs from the session's in how much that has. The caller closes both.
func (s *Session) EngineAside(p *hindcast.Pipeline, room engine.Room, slots int, spill string) (engine.Engine, engine.Binder, error) {
	return drivers.Engine(p, drivers.EngineOptions{Slots: slots, Room: room, Spill: spill, Allowed: append(s.readable(), s.spill), Log: s.toRead.Log})
}
