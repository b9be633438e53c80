package local

import (
	"context"
	"strconv"
)

// The table botverse_meta holds what is no record: counters and the key of tokens.
const createMeta = `CREATE TABLE IF NOT EXISTS botverse_meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT`

// meta reads a value; "" where there is none.
func (c *conn) meta(ctx context.Context, name string) (string, error) {
	row, found, err := c.row(ctx, `SELECT value FROM botverse_meta WHERE name = ?`, name)
	if err != nil || !found {
		return "", err
	}
	value, _ := row[0].(string)
	return value, nil
}

func (c *conn) setMeta(ctx context.Context, name, value string) error {
	_, err := c.exec(ctx, `INSERT INTO botverse_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// metaNumber reads a counter; start where it was never stored.
func (c *conn) metaNumber(ctx context.Context, name string, start int64) (int64, error) {
	text, err := c.meta(ctx, name)
	if err != nil || text == "" {
		return start, err
	}
	return strconv.ParseInt(text, 10, 64)
}
