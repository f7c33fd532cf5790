package postgres

// SettleQuickly makes Prepare wait for loads in flight only this long ("200ms").
func SettleQuickly(d string) { settleTime = d }

// SessionName is what a session of the pipeline is called while it loads or prepares.
var SessionName = sessionName
