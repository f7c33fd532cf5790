package verify

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
)

// own compares the user's own files with what they were when results were made from them; with Files it reads them all.
func (v *Verify) own(ctx context.Context) error {
	if !v.Plan.Pipeline.OwnFiles() {
		return nil
	}

	for _, d := range v.Plan.Damaged {
		v.find("source", d.Name, hindcast.WholeKey, "restore the file", "%s", d.Message)
	}

	records, err := v.Lake.Records(ctx)
	if err != nil {
		return err
	}

	reported := map[string]bool{}
	for _, c := range v.Plan.Changes(records, false) {
		r := c.Record
		reported[r.Name+"\x00"+r.Source] = true
		if c.Lost != "" {
			v.find("source", r.Name, r.Key, "put back what is gone; if that was done on purpose: hindcast run --accept-loss --slices "+c.Next, "%s", c.Lost)
		} else {
			v.find("source", r.Name, r.Key, "hindcast run --slices "+c.Next, "the files are not those that %s read: %s", r.Run, c.Other)
		}
	}

	was := map[string]string{}
	for _, r := range records {
		for _, f := range r.Files {
			if !reported[r.Name+"\x00"+r.Source] {
				was[f.Path] = f.CRC32C
			}
		}
	}

	for _, u := range v.Plan.Units {
		if err := v.files(ctx, u.Fact, u.Key, u.Files, was); err != nil {
			return err
		}
	}

	for _, d := range v.Plan.Dims {
		if err := v.files(ctx, d.Name, hindcast.WholeKey, d.Files, was); err != nil {
			return err
		}
	}

	return nil
}

// files compares the user's own files with the checksums from when they were last read. The plan has already found out
// whether they can be read at all.
func (v *Verify) files(ctx context.Context, name, key string, files []hindcast.File, was map[string]string) error {
	v.result.Files += len(files)
	for _, f := range files {
		if !v.Files || was[f.Path] == "" {
			continue
		}
		sum, err := chunks.SumFile(ctx, f.Path)
		if err != nil {
			return err
		}
		if sum != was[f.Path] {
			v.find("source", name, key, "restore the file; if it was replaced on purpose: hindcast run --force", "%s has the size and time that it had, and other bytes", f.Path)
		}
	}

	return nil
}

// previous compares the rows that loads of the plan's slices replaced with their checksums: damage should not be found
// only when somebody wants them back.
func (v *Verify) previous(ctx context.Context) error {
	if !v.Files {
		return nil
	}

	kept, err := v.Lake.Replaced(ctx)
	if err != nil {
		return err
	}

	chosen := map[string]bool{}
	for _, item := range v.Plan.Items {
		chosen[item.Slice.Key] = true
	}

	for _, k := range kept {
		if !chosen[k.Slice] {
			continue
		}
		text := ""
		if k.Fault != nil {
			text = place(k.Fault)
		} else {
			v.result.Files += len(k.Manifest.Files)
			err := v.Lake.Verify(ctx, k.Manifest)
			if err != nil && hindcast.AsError(err).Code != hindcast.EParquet {
				return err
			}
			if err != nil {
				text = hindcast.AsError(err).Message
			}
		}

		if text != "" {
			v.find("lake", "previous", k.Slice, "restore the file from a backup; the target's rows are not made of it", "of the rows that %s replaced: %s", k.Run, text)
		}
	}

	return nil
}
