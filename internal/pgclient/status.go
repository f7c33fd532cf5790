package pgclient

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Status writes and reads the rows of hindcast_status in the words of a server.
type Status struct {
	Text    func(string) string             // a text as an expression
	Instant func(time.Time) string          // the same of an instant
	Read    func(string) (time.Time, error) // an instant as the server writes it
	Longest int                             // how many bytes a text may have; 0 is any number
}

// Insert is the statement that writes a row. A table of an earlier version has no column for the publication.
func (s Status) Insert(table string, publication bool, c *hindcast.Committed) (string, error) {
	parts, totals, err := warehouse.StatusTexts(c)
	if err != nil {
		return "", err
	}
	if s.Longest > 0 && max(len(parts), len(totals)) > s.Longest {
		return "", &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("what slice %s is made of does not fit hindcast_status: texts have at most %d bytes there", c.Slice.Key, s.Longest),
			Next:    "cut history into shorter slices, or join the fact's tables in a view"}
	}

	values := []string{s.Text(c.Pipeline), s.Text(c.Target), s.Text(c.Slice.Key), s.Instant(c.Slice.Start), s.Instant(c.Slice.End),
		s.Text(c.Run), strconv.Itoa(c.Attempt), s.Text(c.Fingerprint), s.Text(parts), strconv.FormatInt(c.Sums.Rows, 10), s.Text(c.Sums.Content),
		s.Text(totals), s.Text(c.Previous), s.Instant(c.CommittedAt)}

	columns := strings.TrimSuffix(warehouse.StatusColumns, ", publication")
	if publication {
		columns, values = warehouse.StatusColumns, append(values, s.Text(c.Publication))
	}
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(values, ", ") + ")", nil
}

// Rows reads rows of warehouse.StatusColumns.
func (s Status) Rows(rows []Row) (all []hindcast.Committed, err error) {
	for _, r := range rows {
		c, err := s.Row(r)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Row reads one of them.
func (s Status) Row(r Row) (hindcast.Committed, error) {
	c, err := s.read(r)
	if err != nil {
		err = fmt.Errorf("reading hindcast_status of %s: %w", c.Slice.Key, err)
	}
	return c, err
}

func (s Status) read(r Row) (c hindcast.Committed, err error) {
	c = hindcast.Committed{Pipeline: r.Text(0), Target: r.Text(1), Run: r.Text(5), Attempt: int(r.Number(6)), Fingerprint: r.Text(7), Previous: r.Text(12)}
	c.Publication = cmp.Or(r.Text(14), c.Run)
	c.Slice.Key, c.Sums.Rows, c.Sums.Content = r.Text(2), r.Number(9), r.Text(10)

	for i, t := range map[int]*time.Time{3: &c.Slice.Start, 4: &c.Slice.End, 13: &c.CommittedAt} {
		if *t, err = s.Read(r.Text(i)); err != nil {
			return c, err
		}
	}
	err = warehouse.ReadStatusTexts(&c, r.Text(8), r.Text(11))
	return c, err
}
