package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// actionsDir is where the definitions of saved actions are. Without the setting it need not be there.
func (c *serveCommand) actionsDir() string {
	if c.ActionsDir != "" {
		return c.ActionsDir
	}
	return filepath.Join(c.DataDir, "actions")
}

// checkActionsDir refuses a directory that somebody named and that is none.
func (c *serveCommand) checkActionsDir() error {
	if c.ActionsDir == "" {
		return nil
	}
	switch info, err := os.Stat(c.ActionsDir); {
	case err != nil:
		return fmt.Errorf("actions_dir: %w", err)
	case !info.IsDir():
		return fmt.Errorf("actions_dir %s is a file: it must be the directory of the definitions", c.ActionsDir)
	}
	return nil
}
