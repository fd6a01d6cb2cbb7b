package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"
)

// Serve answers on l until ctx ends. webConfigFile is exporter-toolkit's file for TLS and
// users, "" for neither.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, webConfigFile string, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	err := toolkit.Serve(l, server, &toolkit.FlagConfig{WebConfigFile: &webConfigFile}, slog.New(warnings{log.Handler()}))
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve pages: %w", err)
	}
	return nil
}

// Protection checks a web config file and tells whether it asks for TLS, and whether for a
// proof of who is there: a password or a client's certificate.
func Protection(webConfigFile string) (tls, proof bool, err error) {
	data, err := os.ReadFile(webConfigFile)
	if err != nil {
		return false, false, err
	}
	if err := toolkit.Validate(webConfigFile); err != nil {
		return false, false, err
	}
	var c toolkit.Config
	if err := yaml.Unmarshal(data, &c); err != nil {
		return false, false, err
	}
	return c.TLSConfig.IsEnabled(), len(c.Users) > 0 || c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert", nil
}

// warnings leaves out what the toolkit only mentions; the program says itself where it listens.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
