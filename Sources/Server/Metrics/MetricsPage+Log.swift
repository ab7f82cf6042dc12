import Engine
import Postgres
import WAL

extension MetricsText {
    mutating func writeLog(_ sample: MetricsSample) {
        let log = sample.log
        histogram(
            "holdfast_log_batch_records",
            "Records made durable together.",
            [([:], log.batchRecords)],
            unit: { MetricValue($0) }
        )
        histogram(
            "holdfast_log_commit_duration_seconds",
            "From handing a batch to the disk until it is durable.",
            [([:], log.commitNanoseconds)],
            unit: { .seconds(nanoseconds: $0) }
        )
        counter("holdfast_log_records_total", "Records made durable.", MetricValue(log.records))
        counter("holdfast_log_record_bytes_total", "Bytes of the records made durable.", MetricValue(log.recordBytes))
        counter(
            "holdfast_log_written_bytes_total",
            "Bytes written to the disk for them, with headers and padding.",
            MetricValue(log.writtenBytes)
        )
        gauge("holdfast_log_segments", "Files of the log with records that can be read.", MetricValue(log.segments))
        gauge(
            "holdfast_log_spare_segments",
            "Files of the log that are ready to be used.",
            MetricValue(log.spareSegments)
        )
        gauge("holdfast_log_segment_bytes", "Size of the log's files.", MetricValue(log.segmentBytes))
        gauge(
            "holdfast_log_oldest_position",
            "The oldest record that can be read.",
            MetricValue(sample.logPositions.oldest)
        )
        gauge("holdfast_log_last_position", "The last record appended.", MetricValue(sample.logPositions.last))
        gauge(
            "holdfast_log_durable_position",
            "The last record that is durable.",
            MetricValue(sample.logPositions.durable)
        )
        gauge(
            "holdfast_clock_ahead_seconds",
            "By how much the engine's time is ahead of the system's clock, which was set back.",
            .seconds(milliseconds: UInt64(max(0, sample.clockAheadMilliseconds)))
        )
    }

    mutating func writeBooks(_ books: PostgresBooks.Standing) {
        gauge("holdfast_postgres_up", "Whether the books can be written.", MetricValue(books.isConnected))
        gauge("holdfast_postgres_position", "Records that are in the books.", MetricValue(books.position.rawValue))
        gauge("holdfast_postgres_lag_records", "Records that Postgres does not have.", MetricValue(books.lagRecords))
        gauge(
            "holdfast_postgres_lag_seconds",
            "For how long something has been missing in the books, at most.",
            .seconds(milliseconds: UInt64(max(0, books.lagSeconds * 1_000)))
        )
        counter("holdfast_postgres_flushes_total", "Flushes that changed the books.", MetricValue(books.flushes))
        counter("holdfast_postgres_rows_total", "Rows sent to the books.", MetricValue(books.rows))
        counter("holdfast_postgres_failures_total", "Connections and flushes that failed.", MetricValue(books.failures))
        counter(
            "holdfast_postgres_resynchronisations_total",
            "Times that the books were written anew.",
            MetricValue(books.resynchronisations)
        )
    }

    mutating func writeStorage(_ sample: MetricsSample) {
        let room = sample.room
        gauge(
            "holdfast_storage_full",
            "Whether changes are refused for want of room: 0 no, 1 yes, 2 reservations don't expire in the log either.",
            MetricValue(room.state.rawValue)
        )
        counter(
            "holdfast_storage_refusals_total",
            "Commands refused for want of room.",
            MetricValue(sample.shards.counters.refusedForRoom)
        )
        gauge(
            "holdfast_storage_needed_bytes",
            "Free bytes below which changes are refused.",
            MetricValue(room.neededBytes)
        )
        guard let free = room.freeBytes else { return }
        gauge("holdfast_storage_free_bytes", "Free bytes of the data folder's filesystem.", MetricValue(free))
    }

    mutating func writeSnapshots(_ sample: MetricsSample) {
        let snapshots = sample.snapshots
        counter("holdfast_snapshots_total", "Snapshots taken.", MetricValue(snapshots.taken))
        counter("holdfast_snapshot_failures_total", "Snapshots given up.", MetricValue(snapshots.failed))
        if let at = sample.snapshotAt {
            gauge(
                "holdfast_snapshot_timestamp_seconds",
                "Unix time at which the newest snapshot was finished.",
                .seconds(milliseconds: UInt64(max(0, at)))
            )
        }
        gauge(
            "holdfast_snapshot_duration_seconds",
            "How long the newest snapshot of this process took; 0 before the first.",
            .seconds(nanoseconds: UInt64(max(0, snapshots.lastNanoseconds)))
        )
        gauge(
            "holdfast_snapshot_pending_records",
            "Records behind the newest snapshot: what a start would replay.",
            MetricValue(sample.recordsSinceSnapshot)
        )
        gauge(
            "holdfast_recovery_duration_seconds",
            "How long this process took to read snapshot and log at its start.",
            .seconds(nanoseconds: UInt64(max(0, sample.found.nanoseconds)))
        )
        gauge(
            "holdfast_recovery_records",
            "Records behind the snapshot that this process read at its start.",
            MetricValue(sample.found.replay.recordCount)
        )
    }
}
