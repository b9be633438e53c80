package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	botversev1 "github.com/botverse/botverse/gen/botverse/v1"
)

// deliveryList lists what Dataverse delivered last.
type deliveryList struct {
	presenceServer `embed:""`
	Source         string `placeholder:"SOURCE" help:"Only of this source."`
	Limit          int32  `default:"100" help:"How many at most, up to 1000."`
}

// Run prints a line for each.
func (c *deliveryList) Run(ctx context.Context, s streams) error {
	return c.call(func(client botversev1.PresenceServiceClient) error {
		list, err := client.ListDeliveries(ctx, &botversev1.ListDeliveriesRequest{Source: c.Source, PageSize: c.Limit})
		if err != nil {
			return err
		}
		for _, d := range list.GetDeliveries() {
			fmt.Fprintln(s.out, shown(deliveryLine(d)))
		}
		if len(list.GetDeliveries()) == 0 {
			fmt.Fprintln(s.out, "nothing was delivered since serve started")
		}
		return nil
	})
}

func deliveryLine(d *botversev1.Delivery) string {
	became := strings.ToLower(strings.ReplaceAll(d.GetBecame().String(), "_", " "))
	line := fmt.Sprintf("%s  %s  %-11s  %s", d.GetTime().AsTime().Format(time.RFC3339), d.GetSource(), became, cmp.Or(d.GetReason(), d.GetEventId()))
	if d.GetDelay() != nil {
		line += fmt.Sprintf("  delay %v", d.GetDelay().AsDuration().Round(time.Millisecond))
	}
	return line
}
