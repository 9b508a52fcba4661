package main

import (
	"os"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/web"
)

// places are where the campaigns are that the pages show: a folder for each --campaign, or one server. Neither need be
// there yet.
func (o *webOptions) places() (all []web.CampaignPlace, err error) {
	if err := checkNATS("web", &o.nats); err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range o.campaigns {
		p := campaignPlace{}
		switch i, err := os.Stat(name); {
		case err == nil && i.IsDir() && o.nats.URL != "":
			return nil, usagef("web: --campaign %s is a folder, and --nats is given: need the plan", name)
		case err == nil && i.IsDir():
			p.dir = name
		default:
			if err := p.read(name); err != nil {
				return nil, err
			}
			ids = append(ids, p.plan.ID())
		}
		if o.nats.URL == "" {
			all = append(all, campaign.NewFolder(p.dir))
		}
	}
	if o.nats.URL != "" {
		o.nats.Name = "fdelab web"
		all = append(all, campaign.NewElsewhere(o.nats, ids...))
	}
	return all, nil
}
