package machine

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// cgroupLimits are what this process's control groups leave of the machine: the least on the way from its own group to the
// root of each hierarchy. Zero means no limit.
type cgroupLimits struct {
	memory int64
	cores  int // rounded up
}

// readCgroups reads the limits of both versions of control groups, below root as the file system's root.
func readCgroups(root fs.FS) cgroupLimits {
	groups := ownGroups(root)
	var l cgroupLimits
	for _, m := range cgroupMounts(root) {
		for _, c := range m.controllers {
			group, in := groups[c]
			if !in {
				continue
			}
			for _, dir := range m.upFrom(group) {
				l.narrow(root, c, dir)
			}
		}
	}
	return l
}

// The controllers that bound a run. All those of version 2 are in one hierarchy, which has no name.
const (
	unified          = ""
	memoryController = "memory"
	cpuController    = "cpu"
)

// ownGroups gives this process's group for each controller.
func ownGroups(root fs.FS) map[string]string {
	groups := map[string]string{}
	for line := range strings.Lines(text(root, "proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3) // hierarchy, controllers, group
		if len(fields) < 3 {
			continue
		}
		for controller := range strings.SplitSeq(fields[1], ",") {
			groups[controller] = fields[2]
		}
	}
	return groups
}

// cgroupMount is where a hierarchy, or a branch of it, can be seen: in a container its own group is often all there is.
type cgroupMount struct {
	controllers []string
	root        string // the group that is at point
	point       string // without the slash at its beginning
}

// octal are the escapes of mountinfo.
var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func cgroupMounts(root fs.FS) []cgroupMount {
	var mounts []cgroupMount
	for line := range strings.Lines(text(root, "proc/self/mountinfo")) {
		before, after, _ := strings.Cut(strings.TrimSpace(line), " - ")
		mount, kind := strings.Fields(before), strings.Fields(after) // id, parent, device, root, point, …; type, source, options
		if len(mount) < 5 || len(kind) < 3 {
			continue
		}
		m := cgroupMount{root: octal.Replace(mount[3]), point: strings.TrimPrefix(octal.Replace(mount[4]), "/")}
		switch kind[0] {
		case "cgroup2":
			m.controllers = []string{unified}
		case "cgroup":
			options := strings.Split(kind[2], ",")
			m.controllers = slices.DeleteFunc([]string{memoryController, cpuController}, func(c string) bool { return !slices.Contains(options, c) })
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// upFrom lists the folders of a group and of those around it, as far as they can be seen.
func (m cgroupMount) upFrom(group string) []string {
	below := "/"
	switch {
	case m.root == "/" && !strings.HasPrefix(group, "/.."): // which would be outside of our namespace
		below = group
	case group == m.root || strings.HasPrefix(group, m.root+"/"):
		below = strings.TrimPrefix(group, m.root)
	}
	var dirs []string
	for dir := path.Clean("/" + below); ; dir = path.Dir(dir) {
		dirs = append(dirs, path.Join(m.point, dir))
		if dir == "/" {
			return dirs
		}
	}
}

// narrow takes in the limits of one group.
func (l *cgroupLimits) narrow(root fs.FS, controller, dir string) {
	number := func(file string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(text(root, path.Join(dir, file))), 10, 64)
		if err != nil { // "max", or not there
			return 0
		}
		return n
	}
	switch controller {
	case unified:
		l.memory = least(l.memory, number("memory.max"), number("memory.high"))
		if quota, period, ok := strings.Cut(strings.TrimSpace(text(root, path.Join(dir, "cpu.max"))), " "); ok {
			l.cores = least(l.cores, cores(quota, period))
		}
	case memoryController:
		l.memory = least(l.memory, number("memory.limit_in_bytes")) // nearly 2^63 where there is none
	case cpuController:
		l.cores = least(l.cores, cores(strings.TrimSpace(text(root, path.Join(dir, "cpu.cfs_quota_us"))),
			strings.TrimSpace(text(root, path.Join(dir, "cpu.cfs_period_us")))))
	}
}

// cores is how many are needed to use up a quota of processor time; 0 if there is none.
func cores(quota, period string) int {
	q, err := strconv.ParseFloat(quota, 64) // "max", or -1, where there is none
	p, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return int(math.Ceil(q / p))
}

// least is the least of the numbers that are limits at all.
func least[T int | int64](all ...T) T {
	var out T
	for _, n := range all {
		if n > 0 && (out == 0 || n < out) {
			out = n
		}
	}
	return out
}

// text is a small file's content; "" if it cannot be read.
func text(root fs.FS, name string) string {
	body, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(body)
}
