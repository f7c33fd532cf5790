package machine

import (
	"testing"
	"testing/fstest"
)

// A run takes the least of what any group around it leaves, in either version of control groups, wherever they are mounted.
func TestMeasured(t *testing.T) {
	const (
		v1   = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
		v2   = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
		none = "9223372036854771712\n"
	)
	for name, c := range map[string]struct {
		mounts, group string
		files         map[string]string
		cores         int
		by            string
	}{
		"nothing":       {cores: 8, by: "17.2 GB of memory"},
		"v1, own":       {v1, "4:memory:/jobs/a\n", map[string]string{"memory/jobs/a/memory.limit_in_bytes": "230686720\n", "memory/jobs/memory.limit_in_bytes": none}, 8, "cgroup limit 231 MB"},
		"v1, around":    {v1, "4:memory:/jobs/a\n", map[string]string{"memory/jobs/a/memory.limit_in_bytes": none, "memory/jobs/memory.limit_in_bytes": "2147483648\n", "memory/memory.limit_in_bytes": none}, 8, "cgroup limit 2.1 GB"},
		"v1, none":      {v1, "4:memory:/jobs\n", map[string]string{"memory/jobs/memory.limit_in_bytes": none}, 8, "17.2 GB of memory"},
		"v1, cores":     {v1, "1:cpu,cpuacct:/jobs/a\n", map[string]string{"cpu,cpuacct/jobs/a/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/jobs/a/cpu.cfs_period_us": "100000\n", "cpu,cpuacct/jobs/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/jobs/cpu.cfs_period_us": "100000\n"}, 3, "17.2 GB of memory"},
		"v1, docker":    {"35 31 0:32 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "4:memory:/docker/c1/in\n", map[string]string{"memory/in/memory.limit_in_bytes": none, "memory/memory.limit_in_bytes": "1073741824\n"}, 8, "cgroup limit 1.1 GB"},
		"v2, max":       {v2, "0::/user.slice/a.scope\n", map[string]string{"user.slice/a.scope/memory.max": "max\n", "user.slice/memory.max": "1073741824\n", "user.slice/cpu.max": "50000 100000\n"}, 1, "cgroup limit 1.1 GB"},
		"v2, high":      {v2, "0::/a\n", map[string]string{"a/memory.max": "4294967296\n", "a/memory.high": "3221225472\n", "a/cpu.max": "max 100000\n"}, 8, "cgroup limit 3.2 GB"},
		"v2, outside":   {v2, "0::/../b\n", map[string]string{"memory.max": "1073741824\n"}, 8, "cgroup limit 1.1 GB"},
		"v2, elsewhere": {`41 31 0:38 / /sys/fs/cgroup/all\040groups rw - cgroup2 none rw` + "\n", "4:memory:/\n0::/a\n", map[string]string{"all groups/a/memory.max": "1073741824\n"}, 8, "cgroup limit 1.1 GB"},
		"both":          {v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "4:memory:/a\n0::/b\n", map[string]string{"memory/a/memory.limit_in_bytes": "3221225472\n", "unified/b/memory.max": "2147483648\n"}, 8, "cgroup limit 2.1 GB"},
		"more than all": {v2, "0::/a\n", map[string]string{"a/memory.max": "68719476736\n", "a/cpu.max": "6400000 100000\n"}, 8, "17.2 GB of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       16777216 kB\n")},
				"proc/self/cgroup": {Data: []byte(c.group)}, "proc/self/mountinfo": {Data: []byte("23 1 0:22 / / rw - ext4 /dev/x rw\n" + c.mounts)}}
			for path, body := range c.files {
				root["sys/fs/cgroup/"+path] = &fstest.MapFile{Data: []byte(body)}
			}
			if m := measured(root, 8); m.Cores != c.cores || m.MemoryBy != c.by {
				t.Errorf("%d cores, %s; want %d, %s", m.Cores, m.MemoryBy, c.cores, c.by)
			}
		})
	}
	if m := measured(fstest.MapFS{}, 2); m.Cores != 2 || m.Memory != 4<<30 {
		t.Errorf("a system without /proc: %+v", m)
	}
}
