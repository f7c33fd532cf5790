//go:build !linux

package chaos_test

import (
	"errors"
	"os/exec"
)

var errOneHost = errors.New("only Linux can give a process another host's name")

func elsewhere(*exec.Cmd) error { return errOneHost }

func rename(string) error { return errOneHost }
