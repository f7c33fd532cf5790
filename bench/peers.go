package main

import "context"

func (b *bench) tinyPeers(ctx context.Context, days int) error { return nil }
