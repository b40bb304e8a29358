package admin

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapes is how many scrapes are answered at the same time.
const scrapes = 4

// metricsHandler serves /metrics in the text format or as OpenMetrics, whichever
// the scraper prefers.
func (s *Server) metricsHandler() (http.Handler, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		newCollector(s.status),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("admin: metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog: scrapeLog{s.options.Log}, ErrorHandling: promhttp.ContinueOnError,
		EnableOpenMetrics: true, MaxRequestsInFlight: scrapes,
	}), nil
}

// scrapeLog is where promhttp complains.
type scrapeLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l scrapeLog) Println(v ...any) { l.log.Error("metrics", "err", fmt.Sprint(v...)) }

// collector turns one status into metrics at every scrape.
type collector struct {
	status func() *status

	node        *table[status]
	site        *table[siteStatus]
	class       *table[classStatus]
	tier        *table[served]
	origin      *table[originStatus]
	cache       *table[status]
	account     *table[ramAccount]
	disk        *table[diskStatus]
	log         *table[logStatus]
	usage       *table[usageStatus]
	ledger      *table[ledgerStatus]
	ship        *table[shipStatus]
	connections *table[connectionStatus]
	revocations *table[revocationStatus]
	certificate *table[certificateStatus]
}

func newCollector(status func() *status) *collector {
	return &collector{
		status: status, node: nodeTable(), site: siteTable(), class: classTable(), tier: tierTable(), origin: originTable(),
		cache: cacheTable(), account: ramAccountTable(), disk: diskTable(), log: logTable(), usage: usageTable(), ledger: ledgerTable(), ship: shipTable(), connections: connectionTable(), revocations: revocationTable(), certificate: certificateTable(),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, t := range []interface{ describe(chan<- *prometheus.Desc) }{
		c.node, c.site, c.class, c.tier, c.origin, c.cache, c.account, c.disk, c.log, c.usage, c.ledger, c.ship, c.connections, c.revocations, c.certificate,
	} {
		t.describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	st := c.status()
	c.node.collect(ch, st)
	c.cache.collect(ch, st)
	c.connections.collect(ch, &st.Connections)
	for i := range st.Sites {
		c.collectSite(ch, &st.Sites[i])
	}
	for i := range st.RAM.Accounts {
		c.account.collect(ch, &st.RAM.Accounts[i], st.RAM.Accounts[i].Account)
	}
	for i := range st.Disks {
		c.disk.collect(ch, &st.Disks[i], st.Disks[i].Path)
	}
	if st.Log != nil {
		c.log.collect(ch, st.Log)
	}
	if st.Ledger != nil {
		c.ledger.collect(ch, st.Ledger)
	}
	if st.Shipping != nil {
		c.ship.collect(ch, st.Shipping)
	}
	c.collectUsage(ch, "", "", st.Unknown.Usage)
	if st.Revocations != nil {
		c.revocations.collect(ch, st.Revocations)
	}
	for i := range st.Certificates {
		c.certificate.collect(ch, &st.Certificates[i], st.Certificates[i].Name)
	}
}

func (c *collector) collectSite(ch chan<- prometheus.Metric, s *siteStatus) {
	c.site.collect(ch, s, s.Account, s.Site)
	c.collectUsage(ch, s.Account, s.Site, s.Usage)
	for i := range s.Classes {
		class := &s.Classes[i]
		c.class.collect(ch, class, s.Account, s.Site, class.Class)
		class.Tiers.each(func(tier string, t served) {
			c.tier.collect(ch, &t, s.Account, s.Site, class.Class, tier)
		})
	}
	for i := range s.Origins {
		c.origin.collect(ch, &s.Origins[i], s.Account, s.Site, s.Origins[i].Origin)
	}
}

func (c *collector) collectUsage(ch chan<- prometheus.Metric, account, site string, all []usageStatus) {
	for i := range all {
		c.usage.collect(ch, &all[i], account, site, all[i].Protocol, all[i].Status)
	}
}
