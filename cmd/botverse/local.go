package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// dataverseCommand runs the local Dataverse alone.
type dataverseCommand struct {
	Addr         string `default:"${local_addr}" help:"Listen here." placeholder:"ADDR"`
	DataDir      string `default:"${data_dir}" help:"Keep the records in this directory." placeholder:"DIR"`
	InMemory     bool   `help:"Keep nothing: every start begins with the seed."`
	Seed         string `enum:"demo,none" default:"demo" help:"What a new data directory begins with: demo or none."`
	RequireAuth  bool   `help:"Answer only with a bearer token from the token endpoint."`
	AllowControl bool   `help:"Serve /local/, which lets a test plan faults."`
	logging      `embed:""`
}

// Run serves until ctx ends.
func (c *dataverseCommand) Run(ctx context.Context, s streams) error {
	config := local.Default()
	config.Addr = c.Addr
	config.DataDir = filepath.Join(c.DataDir, "dataverse")
	config.InMemory = c.InMemory
	config.Seed = c.Seed
	config.RequireAuth = c.RequireAuth
	config.AllowControl = c.AllowControl
	config.Logger = c.logger(s.log)
	server, err := openLocal(ctx, config)
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Fprintf(s.out, "local Dataverse  %s/api/data/v9.2/\n", localURL(server))
	return server.Run(ctx)
}

// openLocal opens a local Dataverse that listens.
func openLocal(ctx context.Context, config local.Config) (*local.Server, error) {
	if err := config.Validate(); err != nil {
		return nil, usageError{err}
	}
	server, err := local.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := server.Listen(); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

func localURL(s *local.Server) string { return "http://" + s.Addr() }

// localEnvironment is how to reach a local Dataverse at an address. It takes any credentials; the runtime signs in all
// the same, as it would with the real service.
func localEnvironment(url string) dataverse.Config {
	config := dataverse.Default()
	config.URL = url
	config.SignIn = dataverse.SignIn{
		Kind:         "oauth",
		TokenURL:     url + "/local/oauth2/v2.0/token",
		ClientID:     "botverse",
		ClientSecret: "local",
		Scope:        url + "/.default",
	}
	return config
}
