package server

import (
	"strings"
	"testing"
)

func TestAddressesOfOthersNeedAuthentication(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*Config)
		tells  string // "" where it is valid
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.GRPCAddr = "localhost:0" }, ""},
		{func(c *Config) { c.HTTPAddr = "[::1]:8080" }, ""},
		{func(c *Config) { c.HTTPAddr = "127.9.9.9:80" }, ""},
		{func(c *Config) { c.WebhookAddr = ":8081" }, ""},
		{func(c *Config) { c.GRPCAddr = ":9090" }, "grpc_addr"},
		{func(c *Config) { c.GRPCAddr = "0.0.0.0:9090" }, "grpc_addr"},
		{func(c *Config) { c.HTTPAddr = "10.1.2.3:8080" }, "http_addr"},
		{func(c *Config) { c.HTTPAddr = "bots.example.com:8080" }, "http_addr"},
		{func(c *Config) { c.HTTPAddr, c.InsecureNoAuth = "0.0.0.0:8080", true }, ""},
		{func(c *Config) { c.GRPCAddr = "9090" }, "host:port"},
		{func(c *Config) { c.HTTPAddr = "127.0.0.1:http" }, "host:port"},
		{func(c *Config) { c.WebhookAddr = "127.0.0.1:99999" }, "host:port"},
		{func(c *Config) { c.AllowedHosts = []string{"https://bots.example.com/"} }, "allowed_hosts"},
		{func(c *Config) { c.AllowedHosts = []string{"bots.example.com:443"} }, "allowed_hosts"},
		{func(c *Config) { c.AllowedHosts = []string{"Bots.Example.com"} }, ""},
		{func(c *Config) { c.MaxBody = 0 }, "max_body"},
	} {
		config := Default()
		test.change(&config)
		err := config.Validate()
		if (err == nil) != (test.tells == "") || err != nil && !strings.Contains(err.Error(), test.tells) {
			t.Errorf("%+v: got %v, want %q", config, err, test.tells)
		}
	}
}

func TestAllThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	err := Config{GRPCAddr: "x", HTTPAddr: "y", WebhookAddr: "z", AllowedHosts: []string{""}}.Validate()
	for _, key := range []string{"grpc_addr", "http_addr", "webhook_addr", "allowed_hosts", "max_body"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}
