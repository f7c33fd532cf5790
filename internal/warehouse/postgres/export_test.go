package postgres

// SettleQuickly makes Prepare wait for loads in flight only this long ("200ms").
func SettleQuickly(d string) { settleTime = d }
