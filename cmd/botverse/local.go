package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/local"
)

// dataverseCommand runs the local Dataverse alone.
type dataverseCommand struct {
	Addr         string `default:"${local_addr}" help:"Listen here." placeholder:"ADDR"`
	DataDir      string `default:"${data_dir}" help:"Keep the records in this directory." placeholder:"DIR"`
	InMemory     bool   `help:"Keep nothing: every start begins with the seed."`
	Seed         string `default:"demo" help:"What a new data directory begins with: demo, none or a JSON file of records." placeholder:"SEED"`
	AllowControl bool   `help:"Serve /local/, which lets a test plan faults, reset, snapshot and restore."`
	Faults       string `help:"Begin with the fault plan in this JSON or YAML file." placeholder:"FILE"`
	signInFlags  `embed:""`
	limitFlags   `embed:""`
	logging      `embed:""`
}

// signInFlags say whom the local Dataverse lets in.
type signInFlags struct {
	RequireAuth   bool          `help:"Answer only with a bearer token from the token endpoint."`
	ClientID      string        `help:"The one client ID that may sign in. Without it any may." placeholder:"ID"`
	ClientSecret  []string      `sep:"none" help:"A secret that the client may sign in with; it can be given more than once. Without any each will do." placeholder:"SECRET"`
	ExpiredSecret []string      `sep:"none" help:"A secret of the client's that has expired: AADSTS7000222." placeholder:"SECRET"`
	Audience      string        `help:"What tokens may be for beside this server, as the URL of a real environment." placeholder:"URL"`
	TokenLifetime time.Duration `default:"${token_lifetime}" help:"How long a token is good for." placeholder:"DURATION"`
}

// limitFlags are the service protection limits of the local Dataverse.
type limitFlags struct {
	Limits           bool          `help:"Hold each user to the service protection limits, with the numbers that follow."`
	LimitRequests    int           `default:"${limit_requests}" help:"Requests in a window." placeholder:"N"`
	LimitTime        time.Duration `default:"${limit_time}" help:"Execution time of all requests in a window together." placeholder:"DURATION"`
	LimitConcurrency int           `default:"${limit_concurrency}" help:"Requests at once." placeholder:"N"`
	LimitWindow      time.Duration `default:"${limit_window}" help:"The sliding window." placeholder:"DURATION"`
}

// Run serves until ctx ends.
func (c *dataverseCommand) Run(ctx context.Context, s streams) (err error) {
	server, err := openLocal(ctx, c.config(c.logger(s.log)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	fmt.Fprintf(s.out, "local Dataverse  %s/api/data/v9.2/\n", localURL(server))
	return server.Run(ctx)
}

func (c *dataverseCommand) config(logger *slog.Logger) local.Config {
	config := local.Default()
	config.Addr = c.Addr
	config.DataDir = filepath.Join(c.DataDir, "dataverse")
	config.InMemory = c.InMemory
	config.Seed = c.Seed
	config.AllowControl = c.AllowControl
	config.Faults = c.Faults
	config.RequireAuth = c.RequireAuth
	config.ClientID, config.ClientSecrets = c.ClientID, c.secrets(time.Now())
	config.Audience, config.TokenLifetime = c.Audience, c.TokenLifetime
	config.Limits = local.Limits{
		On: c.Limits, Requests: c.LimitRequests, ExecutionTime: c.LimitTime, Concurrent: c.LimitConcurrency, Window: c.LimitWindow,
	}
	config.Logger = logger
	return config
}

// secrets are the client's, of which some have expired by now.
func (f signInFlags) secrets(now time.Time) (secrets []local.ClientSecret) {
	for _, value := range f.ClientSecret {
		secrets = append(secrets, local.ClientSecret{Value: value})
	}
	for _, value := range f.ExpiredSecret {
		secrets = append(secrets, local.ClientSecret{Value: value, Expires: now})
	}
	return secrets
}

// localDefaults are the values of the local Dataverse's settings that stand beside its code.
func localDefaults() kong.Vars {
	config := local.Default()
	return kong.Vars{
		"local_addr":        config.Addr,
		"token_lifetime":    config.TokenLifetime.String(),
		"limit_requests":    strconv.Itoa(config.Limits.Requests),
		"limit_time":        config.Limits.ExecutionTime.String(),
		"limit_concurrency": strconv.Itoa(config.Limits.Concurrent),
		"limit_window":      config.Limits.Window.String(),
	}
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
		Kind:       "oauth",
		TokenURL:   url + "/local/oauth2/v2.0/token",
		ClientID:   "botverse",
		Credential: dataverse.Credential{ClientSecret: "local"},
		Scope:      url + "/.default",
	}
	return config
}
