package redshift

import "time"

// GiveUpQuickly makes Prepare wait for loads in flight only this long.
func GiveUpQuickly(d time.Duration) { briefly = d }
