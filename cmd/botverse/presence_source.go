package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/presence"
)

// webhookKey is the key that Dataverse shows when it delivers: made once, and kept in the data directory.
func webhookKey(dataDir string) (string, error) {
	name := filepath.Join(dataDir, "webhook.key")
	text, err := os.ReadFile(name)
	if err == nil && strings.TrimSpace(string(text)) != "" {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the webhook key: %w", err)
	}
	key := rand.Text()
	if err := os.WriteFile(name, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the webhook key: %w", err)
	}
	return key, nil
}

// presenceConfig is presence's settings: the agents' presence alone, shown with the key.
func presenceConfig(key string, log *slog.Logger) presence.Config {
	config := presence.Default()
	source := config.Sources[presence.AgentStatus]
	source.Keys = []presence.Key{presence.Key(key)}
	config.Sources[presence.AgentStatus] = source
	config.Logger = log
	return config
}

// registerSource tells the default environment, the local Dataverse, to deliver agents' presence to the webhook listener.
// A second run changes nothing.
func registerSource(ctx context.Context, all *dataverse.Environments, webhookAddr, key string) error {
	client, err := all.Client(ctx, "")
	if err != nil {
		return err
	}
	source := presence.AgentPresenceSource()
	_, err = client.RegisterWebhook(ctx, dataverse.Webhook{
		Name:       "botverse " + presence.AgentStatus,
		URL:        "http://" + webhookAddr + "/webhooks/dataverse/" + presence.AgentStatus,
		Key:        dataverse.Secret(key),
		Message:    source.Message,
		Entity:     source.Entity,
		ImageAlias: source.ImageAlias,
		Fields:     source.Fields.Names(),
	})
	return err
}
