package postgres

// GiveUpQuickly makes Prepare wait for loads in flight only this long ("200ms").
func GiveUpQuickly(d string) { patience = d }

// SessionName is what a session of the pipeline is called while it loads or prepares.
var SessionName = sessionName
