package admin

import "github.com/prometheus/client_golang/prometheus"

// The metrics of the parts: memory, disks, access log, connections, certificates.

func cacheTable() *table[status] {
	return newTable(nil,
		gauge("cache_objects", "Objects with something in memory.", func(s *status) int64 { return s.Cache.Objects }),
		gauge("cache_fills", "Fetches into the cache under way.", func(s *status) int64 { return s.Cache.Fills }),
		gauge("cache_last_purge", "Number of the newest purge; 0 when there was none.", func(s *status) uint64 { return s.Cache.LastPurge }),
		gauge("cache_purge_rules", "Rules of purges in force.", func(s *status) int { return s.Cache.Rules }),
		counter("cache_purge_widened_total", "Times that rules of purges were made wider for want of room.", func(s *status) uint64 { return s.Cache.Widened }),
		counter("cache_purged_objects_total", "Objects that were looked for and found purged.", func(s *status) int64 { return s.Cache.Purged }),
		gauge("ram_size_bytes", "Bytes of the arena.", func(s *status) int64 { return s.RAM.Size }),
		gauge("ram_used_bytes", "Bytes of the arena in use: resident, pinned or being filled.", func(s *status) int64 { return s.RAM.Used }),
		gauge("ram_resident_bytes", "Bytes of stored blocks.", func(s *status) int64 { return s.RAM.Resident }),
		gauge("ram_pinned_bytes", "Bytes of evicted blocks that are still being read.", func(s *status) int64 { return s.RAM.Pinned }),
		gauge("ram_holes_bytes", "Free bytes that belong to a size class.", func(s *status) int64 { return s.RAM.Holes }),
		gauge("ram_touched_bytes", "Bytes that the pre-fault at start is done with.", func(s *status) int64 { return s.RAM.Touched }),
		gauge("ram_blocks", "Stored blocks.", func(s *status) int { return s.RAM.Blocks }),
		gauge("ram_blocks_in_use", "Blocks that hold memory.", func(s *status) int { return s.RAM.InUse }),
		counter("ram_admitted_blocks_total", "Blocks given to the eviction policy.", func(s *status) uint64 { return s.RAM.Admitted }),
		counter("ram_ghost_hits_total", "Admitted blocks that had been evicted not long before.", func(s *status) uint64 { return s.RAM.GhostHits }),
		counter("ram_evicted_blocks_total", "Blocks evicted.", func(s *status) uint64 { return s.RAM.Evictions }),
		counter("ram_evicted_bytes_total", "Bytes of evicted blocks.", func(s *status) uint64 { return s.RAM.EvictedBytes }),
		counter("ram_moved_slabs_total", "Slabs emptied to serve another size class.", func(s *status) uint64 { return s.RAM.SlabsMoved }),
		gauge("ram_parked_readers", "Readers whose clients are not ready, with a block pinned.", func(s *status) int { return s.RAM.ParkedReaders }),
		gauge("ram_parked_bytes", "Bytes of those blocks, a shared one counted for each reader.", func(s *status) int64 { return s.RAM.Parked }),
		gauge("ram_parked_max_bytes", "Bound on those; beyond it the reader stalled longest loses its pin.", func(s *status) int64 { return s.RAM.ParkedMax }),
		counter("ram_pins_taken_total", "Pins that stalled readers lost; they read the block again when their client moves.", func(s *status) uint64 { return s.RAM.PinsTaken }),
		gauge("ram_held_bytes", "Bytes that fills keep until a viewer has read them.", func(s *status) int64 { return s.RAM.Held }),
		gauge("ram_held_max_bytes", "Bound on those; beyond it blocks are evictable at once.", func(s *status) int64 { return s.RAM.HeldMax }),
		gauge("ram_passing_bytes", "Bytes of responses that are only passed through.", func(s *status) int64 { return s.RAM.Passing }),
		gauge("ram_passing_max_bytes", "Bound on those; from half of it on new ones are refused.", func(s *status) int64 { return s.RAM.PassingMax }),
		counter("ram_floors_broken_total", "Evictions below the floor of an account: nothing else could be freed.", func(s *status) uint64 { return s.RAM.FloorsBroken }),
		counter("ram_alloc_failures_total", "Times that no memory was found.", func(s *status) uint64 { return s.RAM.AllocFailures }),
	)
}

func diskTable() *table[diskStatus] {
	type d = diskStatus
	return newTable([]string{"disk"},
		oneOf("disk_health", "1 for the state the disk is in.", "state", func(s *d) string { return s.Health }, "healthy", "read-only", "offline", unusable),
		oneOf("disk_encryption", "1 for how the disk is encrypted.", "encryption", func(s *d) string { return s.Encrypt }, "off", "key", "boot"),
		gauge("disk_size_bytes", "Bytes the disk may take.", func(s *d) int64 { return s.Size }),
		gauge("disk_used_bytes", "Bytes its extents take.", func(s *d) int64 { return s.Used }),
		gauge("disk_objects", "Objects stored.", func(s *d) int64 { return s.Objects }),
		gauge("disk_extents", "Extent files.", func(s *d) int { return s.Extents }),
		gauge("disk_index_entries", "Index entries in use.", func(s *d) int64 { return s.Entries }),
		gauge("disk_index_capacity", "Index entries there is room for.", func(s *d) int64 { return s.Capacity }),
		counter("disk_evicted_extents_total", "Extents evicted.", func(s *d) int64 { return s.Evicted }),
		counter("disk_index_full_total", "Records not stored because the index was full.", func(s *d) int64 { return s.Full }),
		counter("disk_lookups_total", "Lookups.", func(s *d) int64 { return s.Reads.Lookups }),
		counter("disk_lookup_hits_total", "Lookups that found the object.", func(s *d) int64 { return s.Reads.Hits }),
		counter("disk_read_blocks_total", "Blocks read.", func(s *d) int64 { return s.Reads.Blocks }),
		counter("disk_read_bytes_total", "Bytes of blocks read.", func(s *d) int64 { return s.Reads.Bytes }),
		counter("disk_read_errors_total", "Reads that the device failed or did not answer in time.", func(s *d) int64 { return s.Reads.Errors }),
		counter("disk_corrupt_records_total", "Records forgotten because of a bad checksum.", func(s *d) int64 { return s.Reads.Corrupt }),
		counter("disk_written_records_total", "Records written.", func(s *d) int64 { return s.Writes.Records }),
		counter("disk_written_bytes_total", "Bytes of records written, padding included.", func(s *d) int64 { return s.Writes.Bytes }),
		counter("disk_write_errors_total", "Writes that failed.", func(s *d) int64 { return s.Writes.Errors }),
		counter("disk_refused_puts_total", "Stripes not taken: queue full, disk sick or not storable.", func(s *d) int64 { return s.Writes.Refused }),
		counter("disk_dropped_puts_total", "Stripes dropped from the queue: removed meanwhile, or disk sick.", func(s *d) int64 { return s.Writes.Dropped }),
		counter("disk_rescued_records_total", "Records written again because they were asked for often.", func(s *d) int64 { return s.Writes.Rescued }),
		counter("disk_rescued_bytes_total", "Bytes of those.", func(s *d) int64 { return s.Writes.RescuedB }),
		oneOf("disk_admits", "1 for what the write budget lets the disk take.", "admits", func(s *d) string { return s.Wear.Admits }, "everything", "second-hit", "nothing"),
		gauge("disk_writes_per_day_bytes", "Write budget: bytes that may be written a day; 0 is no limit.", func(s *d) int64 { return s.Wear.PerDay }),
		gauge("disk_writes_left_bytes", "Bytes of the write budget that are left.", func(s *d) int64 { return s.Wear.Left }),
		counter("disk_scrubbed_bytes_total", "Bytes read and checked in the background.", func(s *d) int64 { return s.Scrub.Bytes }),
		counter("disk_scrub_errors_total", "Records found damaged or not readable in the background.", func(s *d) int64 { return s.Scrub.Errors }),
		family[d]{
			"disk_scrubbed_timestamp_seconds", "End of the last full round in the background; absent before the first.", prometheus.GaugeValue, "",
			func(s *d, e emit) {
				if s.Scrub.LastRound != nil {
					e(float64(s.Scrub.LastRound.Unix()))
				}
			},
		},
		counter("disk_snapshots_total", "Snapshots of the index saved.", func(s *d) int64 { return s.Writes.Snapshots }),
		gauge("disk_queued_puts", "Stripes waiting to be written.", func(s *d) int { return s.Writes.Queued }),
		gauge("disk_queued_bytes", "Bytes waiting to be written.", func(s *d) int64 { return s.Writes.QueueBytes }),
		gauge("disk_pending_removals", "Removals that the disk refused so far.", func(s *d) int64 { return s.Writes.Removals }),
		gauge("disk_recovery_seconds", "Duration of the recovery at start.", func(s *d) float64 { return s.Recovery.Seconds }),
		gauge("disk_recovery_clean", "1 when the disk had been closed properly.", func(s *d) float64 { return truth(s.Recovery.Clean) }),
		gauge("disk_recovery_snapshot", "1 when the recovery had a snapshot of the index.", func(s *d) float64 { return truth(s.Recovery.Snapshot) }),
		gauge("disk_recovery_footers", "Extents replayed from their footer by the recovery.", func(s *d) int { return s.Recovery.Footers }),
		gauge("disk_recovery_scanned", "Extents scanned by the recovery.", func(s *d) int { return s.Recovery.Scanned }),
		gauge("disk_recovery_records", "Records replayed by the recovery.", func(s *d) int { return s.Recovery.Records }),
		gauge("disk_recovery_removed", "Records that removals killed during the recovery.", func(s *d) int { return s.Recovery.Removed }),
		gauge("disk_recovery_lost", "Damaged structures that the recovery gave up.", func(s *d) int { return s.Recovery.Lost }),
	)
}

func logTable() *table[logStatus] {
	type l = logStatus
	return newTable(nil,
		counter("log_offered_records_total", "Access records made.", func(s *l) int64 { return s.Offered }),
		counter("log_written_records_total", "Access records in files.", func(s *l) int64 { return s.Written }),
		counter("log_dropped_records_total", "Access records lost.", func(s *l) int64 { return s.Dropped }),
		counter("log_oversized_records_total", "Dropped access records that were too long for any line.", func(s *l) int64 { return s.Oversized }),
		gauge("log_queued_records", "Access records in memory.", func(s *l) int64 { return s.Queued }),
		gauge("log_queued_bytes", "Bytes of access records in memory.", func(s *l) int64 { return s.QueuedBytes }),
		counter("log_written_bytes_total", "Bytes written to access logs, before compression.", func(s *l) int64 { return s.Bytes }),
		counter("log_closed_files_total", "Access log files closed.", func(s *l) int64 { return s.Closed }),
		counter("log_deleted_files_total", "Access log files deleted by age or total size.", func(s *l) int64 { return s.Deleted }),
		counter("log_torn_lines_total", "Torn lines cut off what a crash left.", func(s *l) int64 { return s.TornLines }),
		counter("log_maybe_lost_records_total", "Access records that killed runs had in memory only, an estimate.", func(s *l) int64 { return s.MaybeLost }),
		counter("log_errors_total", "Failed operations on access log files.", func(s *l) int64 { return s.Errors }),
		gauge("log_files", "Closed access log files kept.", func(s *l) int64 { return s.Files }),
		gauge("log_file_bytes", "Bytes of closed access log files kept.", func(s *l) int64 { return s.FileBytes }),
		gauge("log_failing", "1 while access records cannot be written.", func(s *l) float64 { return truth(s.Failing != "") }),
		family[l]{
			"log_anonymity_k", "Viewers that have to share prefix, title and hour, or their records get coarser; absent when it is off.", prometheus.GaugeValue, "",
			func(s *l, e emit) {
				if s.Anonymity != nil {
					e(float64(s.Anonymity.K))
				}
			},
		},
		family[l]{
			"log_anonymity_records_total", "Access records of closed files, by what k-anonymity did to them; absent when it is off.", prometheus.CounterValue, "result",
			func(s *l, e emit) {
				if a := s.Anonymity; a != nil {
					e(float64(a.Kept), "kept")
					e(float64(a.Widened), "widened")
					e(float64(a.Removed), "removed")
				}
			},
		},
		family[l]{
			"log_oldest_file_timestamp_seconds", "Beginning of the oldest access log file kept; absent when there is none.", prometheus.GaugeValue, "",
			func(s *l, e emit) {
				if s.Oldest != nil {
					e(float64(s.Oldest.Unix()))
				}
			},
		},
	)
}

func ledgerTable() *table[ledgerStatus] {
	type l = ledgerStatus
	return newTable(nil,
		counter("ledger_flushes_total", "Frames written to the usage ledger.", func(s *l) uint64 { return s.Flushes }),
		counter("ledger_failures_total", "Flushes of the usage ledger that failed; what they held is in memory.", func(s *l) uint64 { return s.Failures }),
		gauge("ledger_failing", "1 while usage cannot be written.", func(s *l) float64 { return truth(s.Failing != "") }),
		gauge("ledger_pending_rows", "Rows of usage that are in memory only.", func(s *l) int { return s.Pending }),
		gauge("ledger_bytes", "Bytes of the files of the usage ledger.", func(s *l) int64 { return s.Bytes }),
		gauge("ledger_damaged_bytes", "Bytes of it that were found damaged at the start.", func(s *l) int64 { return s.Damaged }),
		gauge("ledger_skipped_frames", "Frames found at the start that had been counted before.", func(s *l) int { return s.Skipped }),
		family[l]{
			"ledger_flushed_timestamp_seconds", "When nothing was left to write to the usage ledger last.", prometheus.GaugeValue, "",
			func(s *l, e emit) {
				if s.Flushed != nil {
					e(float64(s.Flushed.UnixMilli()) / 1000)
				}
			},
		},
	)
}

func shipTable() *table[shipStatus] {
	type s = shipStatus
	return newTable(nil,
		counter("log_shipped_files_total", "Log files pushed and acknowledged.", func(v *s) uint64 { return v.Files }),
		counter("log_shipped_bytes_total", "Bytes of those.", func(v *s) uint64 { return v.Bytes }),
		counter("log_ship_failures_total", "Pushes of log files that failed.", func(v *s) uint64 { return v.Failures }),
		gauge("log_ship_pending_files", "Log files to push, at the last look.", func(v *s) int { return v.Pending }),
		gauge("log_ship_failing", "1 while log files cannot be pushed.", func(v *s) float64 { return truth(v.Failing != "") }),
	)
}

func ramAccountTable() *table[ramAccount] {
	return newTable([]string{"account"},
		gauge("ram_account_resident_bytes", "Bytes of stored blocks of the account.", func(a *ramAccount) int64 { return a.Resident }),
		gauge("ram_account_floor_bytes", "Bytes that other accounts cannot evict.", func(a *ramAccount) int64 { return a.Floor }),
	)
}

func connectionTable() *table[connectionStatus] {
	type c = connectionStatus
	return newTable(nil,
		gauge("connections_open", "Open connections.", func(s *c) int { return s.Open }),
		gauge("connections_open_http", "Open connections without TLS.", func(s *c) int { return s.HTTP }),
		gauge("connections_open_https", "Open connections with TLS.", func(s *c) int { return s.HTTPS }),
		gauge("http2_streams_open", "HTTP/2 requests being served.", func(s *c) int { return s.Streams }),
		counter("connections_accepted_total", "Connections taken.", func(s *c) uint64 { return s.Accepted }),
		counter("connections_shed_total", "Connections closed at accept: limit reached, or no descriptors.", func(s *c) uint64 { return s.Shed }),
		counter("accept_errors_total", "Accept calls that failed and were repeated.", func(s *c) uint64 { return s.AcceptErrors }),
		counters("connections_cut_total", "Connections cut for being too slow, by reason.", "reason", func(s *c) map[string]uint64 { return s.Cut }),
		counter("tls_handshakes_total", "TLS handshakes that succeeded.", func(s *c) uint64 { return s.Handshakes }),
		counter("tls_handshake_errors_total", "TLS handshakes that failed, timeouts included.", func(s *c) uint64 { return s.HandshakeErrors }),
		counter("tls_handshakes_queued_total", "TLS handshakes that had to wait for their turn.", func(s *c) uint64 { return s.HandshakeQueued }),
		counters("malformed_requests_total", "Requests refused for their form, by reason.", "reason", func(s *c) map[string]uint64 { return s.Refused }),
		counter("panics_total", "Panics caught.", func(s *c) uint64 { return s.Panics }),
	)
}

func certificateTable() *table[certificateStatus] {
	return newTable([]string{"certificate"},
		gauge("certificate_not_after_timestamp_seconds", "End of the certificate.", func(c *certificateStatus) int64 { return c.NotAfter.Unix() }),
	)
}

func revocationTable() *table[revocationStatus] {
	return newTable(nil,
		gauge("revocations_last", "Number of the newest revocation; 0 when there was none.", func(r *revocationStatus) uint64 { return r.Number }),
		gauge("revocations_changed_seconds", "When it was ordered, Unix time; 0 when there was none.", func(r *revocationStatus) int64 {
			if r.Changed == nil {
				return 0
			}
			return r.Changed.Unix()
		}),
		gauge("revocations_entries", "Tokens, sessions, keys and dates of issue that are withdrawn.", func(r *revocationStatus) int { return r.Digests + r.Keys + r.Dates }),
		gauge("revocations_damaged_lines", "Lines of the list that could not be read at start.", func(r *revocationStatus) int { return r.Damaged }),
	)
}
