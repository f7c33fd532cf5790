package jobs

import (
	"maps"
	"slices"
)

// Create makes a job.
func (b *Book) Create(name string, d Definition, tags map[string]string) error {
	if err := CheckName("Name", name); err != nil {
		return err
	}
	if err := d.complete(); err != nil {
		return err
	}
	if err := CheckTags(tags); err != nil {
		return err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	if _, there := b.jobs[name]; there {
		return Faultf(AlreadyExists, "Job %s already exists", name)
	}
	if most := b.options.Limits.Jobs; most > 0 && len(b.jobs) >= most {
		return Faultf(NumberLimitExceeded, "the account has %d jobs, which is its limit", most)
	}
	now := b.now()
	c := change{jobs: []*Job{{Name: name, CreatedOn: now, LastModifiedOn: now, Definition: d}}}
	if len(tags) > 0 {
		c.tags = map[string]map[string]string{name: tags}
	}
	return b.commit(c)
}

// Update replaces a job's whole definition: what is not given goes back to its default. Runs that were started stay as they are.
func (b *Book) Update(name string, d Definition) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	j, there := b.jobs[name]
	if !there {
		return noJob(name)
	}
	if err := d.complete(); err != nil {
		return err
	}
	return b.commit(change{jobs: []*Job{{Name: name, CreatedOn: j.CreatedOn, LastModifiedOn: b.now(), Definition: d}}})
}

// Delete removes a job and what is kept of its runs; those that have not ended go on, and leave nothing. A job that is not there
// is not an error.
func (b *Book) Delete(name string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	if _, there := b.jobs[name]; !there {
		return nil
	}
	c := change{gone: []string{name}}
	for _, k := range b.byJob[name] {
		if k.JobRunState.Final() || k.JobRunState == Waiting {
			c.goneRun = append(c.goneRun, k)
		}
	}
	if err := b.commit(c); err != nil {
		return err
	}
	for _, k := range c.goneRun {
		_ = b.options.Runner.Forget(k.ID) // what is left takes space only
	}
	return nil
}

func noJob(name string) error { return Faultf(EntityNotFound, "Job %s not found.", name) }

// Job is the job of that name.
func (b *Book) Job(name string) (*Job, error) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	if j, there := b.jobs[name]; there {
		return j, nil
	}
	return nil, noJob(name)
}

// Jobs are those after a name, in the order of names, at most so many, that have these tags; more reports whether others follow.
func (b *Book) Jobs(after string, most int, tags map[string]string) (list []*Job, more bool) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(b.jobs)) {
		if name <= after || !has(b.tags[name], tags) {
			continue
		}
		if len(list) == most {
			return list, true
		}
		list = append(list, b.jobs[name])
	}
	return list, false
}

func has(tags, wanted map[string]string) bool {
	for key, value := range wanted {
		if is, there := tags[key]; !there || is != value {
			return false
		}
	}
	return true
}

// Tags are a job's.
func (b *Book) Tags(name string) (map[string]string, error) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	if _, there := b.jobs[name]; !there {
		return nil, noJob(name)
	}
	tags := maps.Clone(b.tags[name])
	if tags == nil {
		tags = map[string]string{}
	}
	return tags, nil
}

// Tag adds tags to a job, and takes others away.
func (b *Book) Tag(name string, add map[string]string, remove []string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	tags, err := b.Tags(name)
	if err != nil {
		return err
	}
	maps.Copy(tags, add)
	for _, key := range remove {
		delete(tags, key)
	}
	if err := CheckTags(tags); err != nil {
		return err
	}
	return b.commit(change{tags: map[string]map[string]string{name: tags}})
}
