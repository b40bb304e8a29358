package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"edged/internal/admin"
	"edged/internal/audit"
	"edged/internal/config"
)

// openAdmin serves the status of the parts on the admin listener, if there is one.
// drain is what an order to drain does; it must not block.
func (p *parts) openAdmin(c *config.Config, drain func()) error {
	address := c.Listen.Admin
	if address == "" {
		return nil
	}
	s, err := admin.New(p.adminOptions(c, drain))
	if err != nil {
		return err
	}
	p.admin = s
	l, err := admin.Listen(context.Background(), address)
	if err != nil {
		return err
	}
	go func() {
		if err := s.Serve(l); err != nil {
			p.log.Error("the admin listener ended", "err", err)
		}
	}()
	p.log.Info("status", "address", l.Addr().String())
	return nil
}

func (p *parts) adminOptions(c *config.Config, drain func()) admin.Options {
	o := admin.Options{
		Node: c.Node.Name, Region: c.Node.Region, Version: version(), Address: c.Listen.Admin, Drain: drain, Purge: p.edge.Purge, Log: p.log, Audit: p.audit,
		Revocations: p.revoked, TokenLife: tokenLife(c),
		Sources: admin.Sources{
			Edge: p.edge.Stats, Cache: p.cache.Stats, Disks: p.disks.Stats, Server: p.server.Stats, Certificates: p.offered,
		},
	}
	if p.access != nil {
		o.Sources.Log = p.access.Stats
	}
	if p.ledger != nil {
		o.Sources.Ledger, o.Usage, o.Erase = p.ledger.Stats, p.ledger.Report, p.erase
	}
	if p.shipper != nil {
		o.Sources.Ship = p.shipper.Stats
	}
	for _, d := range c.Disks {
		o.DiskPaths = append(o.DiskPaths, d.Path)
	}
	return o
}

// erase removes an account from the ledger and, when it has no sites any more, from the
// revocations, and closes the log file that may have records of it.
func (p *parts) erase(account string) (e admin.Erased, err error) {
	e.Rows, err = p.ledger.Erase(account)
	if accounts := p.accounts.Load(); accounts != nil {
		e.Configured = (*accounts)[account]
	}
	if err == nil && !e.Configured {
		e.Revocations, err = p.revoked.Forget(account)
	}
	if err == nil && p.access != nil {
		err = p.access.Rotate()
	}
	return e, err
}

// note puts what was ordered by a signal or by starting the process into the record of
// orders. The kernel does not tell a process of Go who sent a signal.
func (p *parts) note(order string, failed error, details map[string]any) {
	if p.audit == nil {
		return
	}
	e := audit.Entry{Order: order, Who: "signal", Outcome: audit.Done, Details: details}
	if order == "start" {
		e.Who = fmt.Sprintf("runs as uid %d", os.Getuid())
	}
	if failed != nil {
		e.Outcome = audit.Refused
	}
	if _, err := p.audit.Append(&e); err != nil {
		p.log.Error("an order is not in the record of orders", "order", order, "err", err)
	}
}

// setState tells load balancers how far the node is.
func (p *parts) setState(state admin.State) {
	if p.admin != nil {
		p.admin.SetState(state)
	}
}

// offer notes which certificates are offered from now on.
func (p *parts) offer(certificates []tls.Certificate) {
	var leaves []*x509.Certificate
	for _, c := range certificates {
		leaves = append(leaves, c.Leaf)
	}
	p.leaves.Store(&leaves)
}

// offered returns the certificates that are offered now.
func (p *parts) offered() []*x509.Certificate {
	if leaves := p.leaves.Load(); leaves != nil {
		return *leaves
	}
	return nil
}
