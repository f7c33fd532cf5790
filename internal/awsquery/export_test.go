package awsquery

import "time"

// Hurry shortens the waits between tries.
func (c *Client) Hurry() *Client {
	c.wait = time.Microsecond
	return c
}
