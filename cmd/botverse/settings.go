package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/botverse/botverse/server"
)

// cli is the whole command line. Each setting stands here once: its flag, its key in the YAML file (with _ for -), its
// environment variable (BOTVERSE_ before it, in capitals) and its help are derived from the field.
type cli struct {
	Config  kong.ConfigFlag  `help:"Read settings from this YAML file." placeholder:"FILE" type:"existingfile"`
	Version kong.VersionFlag `env:"-" help:"Print the version."`

	Serve     serveCommand     `cmd:"" help:"Run everything: gRPC, HTTP, webhook intake, and a local Dataverse where no environment is configured."`
	Dataverse dataverseCommand `cmd:"" help:"Run the local Dataverse alone."`
	Presence  presenceCommands `cmd:"" help:"Watch agents' presence, or set it in the local Dataverse."`
	Action    actionCommands   `cmd:"" help:"Check, run, explain and test saved actions."`
	Webhook   webhookCommands  `cmd:"" help:"Register what Dataverse posts to the webhook listener; verify, list, test and remove it."`
	Doctor    doctorCommand    `cmd:"" help:"Say what is in the way of working with the environments, and how to put it right."`
}

// command is what the user asked for.
type command interface {
	Run(ctx context.Context, s streams) error
}

// logging is how a long-running command logs.
type logging struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat string `enum:"text,json" default:"text" help:"Format of the log: text or json."`
}

func (l logging) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked it against the enum
	}
	options := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// parse turns the arguments, the environment and the configuration file into a command, in this order of precedence.
// A nil command without an error means that the answer is printed already, as for --help.
func parse(args []string, out io.Writer) (command, error) {
	var c cli
	printed := false
	parser, err := newParser(&c, out, func() { printed = true })
	if err != nil {
		return nil, asUsage(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if printed {
		return nil, nil
	}
	if err != nil {
		return nil, asUsage(withoutValue(err))
	}
	chosen, ok := parsed.Selected().Target.Addr().Interface().(command)
	if !ok {
		return nil, usagef("botverse %s: which of its commands? Try botverse %[1]s --help", parsed.Command())
	}
	return chosen, nil
}

// fromVariable is what kong says of a setting of the environment.
var fromVariable = regexp.MustCompile(`(?s) \(from envar (\w+)=".*"\)$`)

// withoutValue takes the value of an environment variable out of an error of kong's: with a mapping's it would print secrets.
func withoutValue(err error) error {
	text := err.Error()
	if short := fromVariable.ReplaceAllString(text, " (from the variable $1)"); short != text {
		return errors.New(short)
	}
	return err
}

// newParser is the parser of the whole command line. It calls answered when it has printed what was asked for, as --help.
func newParser(c *cli, out io.Writer, answered func()) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("botverse"),
		kong.Description("The runtime that lets any chatbot act on Dataverse."),
		kong.DefaultEnvars("BOTVERSE"),
		kong.Configuration(loadYAML, configFiles()...),
		defaults(),
		localDefaults(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ValueFormatter(helpText),
		kong.Writers(out, out),
		kong.Exit(func(int) { answered() }),
	)
}

// helpText is a flag's help with its default, which kong shows only where no placeholder stands for it.
func helpText(value *kong.Value) string {
	told := *value
	if value.Flag != nil && value.HasDefault && value.Flag.PlaceHolder != "" && value.Default != "" {
		told.Help = strings.TrimSuffix(value.Help, ".") + "; default " + value.Default + "."
	}
	return kong.DefaultHelpValueFormatter(&told)
}

// configFiles are the configuration files that no flag names.
func configFiles() []string {
	if name := os.Getenv("BOTVERSE_CONFIG"); name != "" {
		return []string{name}
	}
	return nil
}

// defaults are the values that stand elsewhere, beside the code they steer.
func defaults() kong.Vars {
	addrs := server.Default()
	return kong.Vars{
		"version":      version(),
		"data_dir":     defaultDataDir(),
		"http_addr":    addrs.HTTPAddr,
		"grpc_addr":    addrs.GRPCAddr,
		"webhook_addr": addrs.WebhookAddr,
	}
}

// asUsage keeps the sentence of an error of the command line's parser, without its Go type.
func asUsage(err error) error {
	if errors.Is(err, errUsage) {
		return err
	}
	return usageError{errors.New(strings.TrimSpace(err.Error()))}
}

// version is the module's version where the binary was installed as one, else the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return cmp.Or(strings.TrimPrefix(info.Main.Version, "(devel)"), revision, "devel")
}

// defaultDataDir is where state stands that must outlive the process (XDG Base Directory Specification).
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "botverse")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("botverse-%d", os.Getuid()))
	}
	return filepath.Join(home, ".local", "share", "botverse")
}
