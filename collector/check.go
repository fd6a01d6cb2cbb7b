package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/zerofax/zerofax/agent/program"
)

type checkCommand struct{}

// Run implements `check`.
func (checkCommand) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range c.plan() {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	return table.Flush()
}

// plan says what run would do, in pairs of what and how.
func (c *config) plan() [][2]string {
	return [][2]string{
		{"config", orText(c.file, "none: built-in defaults")},
		{"data", c.dataPlan()},
		{"mqtt", c.mqttPlan()},
		{"http", c.httpPlan()},
		{"sign-in", c.signInPlan()},
		{"influxdb", c.influxDBPlan()},
		{"pages", fmt.Sprintf("language %s, time zone %s", c.Language, c.TimeZone)},
		{"lines", fmt.Sprintf("active for %s after a fax, blind after %s without a reading", c.ActiveWindow, c.BlindAfter)},
		{"alerts", c.alertsPlan()},
		{"retention", c.Retention.plan()},
		{"journals", c.Journals.plan()},
		{"result", "ok"},
	}
}

func (c *config) dataPlan() string {
	if _, err := os.Stat(c.DataDir); err != nil {
		return c.DataDir + " (will be made)"
	}
	return c.DataDir
}

func (c *config) mqttPlan() string {
	if c.MQTT.guarded() {
		return fmt.Sprintf("embedded broker on %s; enrolled agents alone get in, at %s", c.MQTT.Embedded.Listen, c.MQTT.ExternalURL)
	}
	if c.MQTT.URL == "" {
		return "embedded broker on " + c.MQTT.Embedded.Listen
	}
	if c.MQTT.Username != "" {
		return fmt.Sprintf("%s as %s, password %s", c.MQTT.URL, c.MQTT.Username, c.MQTT.Password)
	}
	return c.MQTT.URL
}

func (c *config) influxDBPlan() string {
	i := &c.InfluxDB
	if i.URL == "" {
		return "off"
	}
	plan := fmt.Sprintf("%s bucket %s", i.URL, i.Bucket)
	if i.Org != "" {
		plan += " of " + i.Org
	}
	if i.Token == "" {
		return plan + ", no token"
	}
	return fmt.Sprintf("%s, token %s", plan, i.Token)
}

func (c *config) httpPlan() string {
	if c.HTTP.WebConfigFile != "" {
		return fmt.Sprintf("%s by %s", c.page(c.HTTP.Listen), c.HTTP.WebConfigFile)
	}
	return c.page(c.HTTP.Listen)
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
