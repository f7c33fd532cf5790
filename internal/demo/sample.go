package demo

import (
	"context"
	"database/sql"
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/duck"
)

// sample holds the distributions that Generate draws from, made by gen from the FOCUS sample data.
//
//go:embed sample/*.csv
var sample embed.FS

// statements holds the SQL that draws; each file says what it makes.
//
//go:embed sql/*.sql
var statements embed.FS

// statement reads an embedded SQL file and fills in its {placeholders}, given as pairs.
func statement(name string, placeholders ...string) (string, error) {
	text, err := statements.ReadFile("sql/" + name)
	if err != nil {
		return "", fmt.Errorf("reading the demo's SQL: %w", err)
	}
	return strings.NewReplacer(placeholders...).Replace(string(text)), nil
}

// loadSample loads the embedded distributions into tables of the same names.
func loadSample(ctx context.Context, conn *sql.Conn) error {
	if err := execute(ctx, conn, "sample.sql"); err != nil {
		return err
	}

	for _, table := range []string{"skus", "offers", "accounts", "account_services", "tags"} {
		insert, err := insertSample(table)
		if err != nil {
			return fmt.Errorf("reading the demo's sample of %s: %w", table, err)
		}
		if _, err := conn.ExecContext(ctx, insert); err != nil {
			return fmt.Errorf("loading the demo's sample of %s: %w", table, duck.Translate(err))
		}
	}

	return nil
}

// insertSample returns one INSERT for an embedded table, each row followed by its number.
func insertSample(table string) (string, error) {
	file, err := sample.Open("sample/" + table + ".csv")
	if err != nil {
		return "", err
	}

	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return "", err
	}

	var insert strings.Builder
	insert.WriteString("INSERT INTO " + duck.Name(table) + " VALUES ")
	for number, record := range records[1:] {
		insert.WriteString("(")
		for _, value := range record {
			if value == "" {
				insert.WriteString("NULL, ")
			} else {
				insert.WriteString(duck.String(value) + ", ")
			}
		}

		insert.WriteString(strconv.Itoa(number) + "), ")
	}

	return strings.TrimSuffix(insert.String(), ", "), nil
}

func execute(ctx context.Context, conn *sql.Conn, name string, placeholders ...string) error {
	text, err := statement(name, placeholders...)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("executing the demo's %s: %w", name, duck.Translate(err))
	}

	return nil
}
