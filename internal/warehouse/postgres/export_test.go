package postgres

import "time"

// GiveUpQuickly makes Prepare wait for loads in flight only this long ("200ms").
func GiveUpQuickly(d string) { patience = d }

// SessionName is what a session of the pipeline is called while it loads or prepares.
var SessionName = sessionName

// ExchangeQuickly makes an exchange of partitions give up after this long, and returns what restores the default.
func ExchangeQuickly(try string, all time.Duration) (restore func()) {
	before, patience := exchangeTry, exchangePatience
	exchangeTry, exchangePatience = try, all
	return func() { exchangeTry, exchangePatience = before, patience }
}
