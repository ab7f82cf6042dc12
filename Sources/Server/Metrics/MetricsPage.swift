import Engine
import WAL

// What `/metrics` says, from one sample. Names follow Prometheus' rules: base units, `_total` behind what only grows.

extension MetricsText {
    init(_ sample: MetricsSample, version: String) {
        writeProcess(sample, version)
        writeRequests(sample.loops)
        writeRateLimits(sample.rateRefusals)
        writeConnections(sample)
        writeSecurity(sample.security)
        writeQueues(sample)
        writeSale(sample.shards)
        writeStock(sample)
        writeLog(sample)
        writeStorage(sample)
        writeSnapshots(sample)
        if let books = sample.books { writeBooks(books) }
    }

    // MARK: - Process

    private mutating func writeProcess(_ sample: MetricsSample, _ version: String) {
        gauges("holdfast_build_info", "The build; always 1.", [(["version": version], 1)])
        gauge("holdfast_loops", "Event loops, each with a share of the events.", MetricValue(sample.loopCount))
        guard let process = sample.process else { return }
        gauge(
            "holdfast_uptime_seconds",
            "Time since the process was started.",
            .seconds(milliseconds: process.uptimeMilliseconds)
        )
        gauge(
            "process_start_time_seconds",
            "Unix time at which the process was started.",
            .seconds(milliseconds: process.startedAt)
        )
        counter(
            "process_cpu_seconds_total",
            "CPU time of user and system.",
            .seconds(milliseconds: process.cpuMilliseconds)
        )
        gauge("process_resident_memory_bytes", "Memory in use.", MetricValue(process.residentBytes))
        gauge("process_virtual_memory_bytes", "Address space in use.", MetricValue(process.virtualBytes))
        gauge("process_max_fds", "Files and sockets that may be open.", MetricValue(process.openFilesMax))
        if let open = process.openFiles { gauge("process_open_fds", "Files and sockets.", MetricValue(open)) }
    }

    // MARK: - HTTP

    /// Codes that alerts watch, there from the start: what a series begins with, no rate can see.
    private static let watchedCodes: [String: UInt64] = [
        "LOG_SATURATED": 0, "OVERLOADED": 0, "STORAGE_FULL": 0, "TOO_MANY_CONNECTIONS": 0,
    ]

    private mutating func writeRequests(_ loops: LoopStatistics) {
        counters(
            "holdfast_http_requests_total",
            "Requests answered, by route, method and status; route none is what no route has seen.",
            loops.answers.map { answer in
                let (route, status) = (answer.kind.route, answer.kind.status)
                return (
                    ["route": route.routeName, "method": route.methodName, "status": "\(status.rawValue)"],
                    MetricValue(answer.count)
                )
            }
        )
        histogram(
            "holdfast_http_request_duration_seconds",
            "From reading a request's last byte to handing its answer, durable by then, to the socket; by group of routes.",
            LatencyGroup.allCases.compactMap { group in
                guard group.number < loops.latencies.count else { return nil }
                return (["group": group.rawValue], loops.latencies[group.number])
            },
            unit: { .seconds(nanoseconds: $0) }
        )
        counters(
            "holdfast_problems_total",
            "Refusals told to clients, lines of batches included, by their code.",
            loops.problems.merging(Self.watchedCodes) { count, _ in count }
                .sorted { $0.key < $1.key }.map { (["code": $0.key], MetricValue($0.value)) }
        )
        counters(
            "holdfast_tokens_total",
            "Tokens shown with requests: found in memory, verified, or refused.",
            [
                (["result": "cached"], MetricValue(loops.tokens.hits)),
                (["result": "verified"], MetricValue(loops.tokens.verified)),
                (["result": "refused"], MetricValue(loops.tokens.refused)),
            ]
        )
        gauge("holdfast_tokens_cached", "Verified tokens in memory.", MetricValue(loops.tokensCached))
    }

    private mutating func writeRateLimits(_ refusals: [(policy: StaticString, count: UInt64)]) {
        counters(
            "holdfast_rate_limited_total",
            "Requests and lines of batches refused because a caller or an address had sent too many, by policy.",
            refusals.map { (["policy": "\($0.policy)"], MetricValue($0.count)) }
        )
    }

    private mutating func writeConnections(_ sample: MetricsSample) {
        let loops = sample.loops
        gauge("holdfast_connections", "Connections that are open.", MetricValue(loops.connections))
        gauge("holdfast_connections_limit", "Connections that may be open.", MetricValue(loops.connectionsMax))
        counter("holdfast_connections_accepted_total", "Connections accepted.", MetricValue(loops.connectionsAccepted))
        counter(
            "holdfast_connections_stalled_total",
            "Connections closed because their clients did not read what waited for them.",
            MetricValue(loops.connectionsStalled)
        )
        gauge("holdfast_streams", "Streams that clients listen to.", MetricValue(sample.streams.all))
        gauge("holdfast_streams_limit", "Streams that there may be.", MetricValue(sample.streamsMax.all))
        gauge("holdfast_feed_streams", "Streams of the feed among them.", MetricValue(sample.streams.feed))
        gauge(
            "holdfast_feed_streams_limit",
            "Streams of the feed that there may be.",
            MetricValue(sample.streamsMax.feed)
        )
        counter(
            "holdfast_streams_dropped_total",
            "Streams closed because their clients did not read.",
            MetricValue(loops.streamsDropped)
        )
        gauge(
            "holdfast_stream_bytes",
            "Bytes of streams that clients have not read yet.",
            MetricValue(sample.streamMemory.heldBytes)
        )
        counter(
            "holdfast_streams_closed_total",
            "Streams closed because slow clients together kept too many bytes.",
            MetricValue(sample.streamMemory.closed)
        )
    }

    mutating func writeSecurity(_ figures: SecurityFigures?) {
        guard let figures else { return }
        counter("holdfast_tls_handshakes_total", "TLS handshakes completed.", MetricValue(figures.handshakes))
        counter("holdfast_tls_failures_total", "Connections whose TLS went wrong.", MetricValue(figures.failures))
        gauge(
            "holdfast_tls_certificate_seconds_left",
            "Until the certificate has expired; below zero when it has.",
            MetricValue(figures.certificateSecondsLeft)
        )
    }

    private mutating func writeQueues(_ sample: MetricsSample) {
        let loops = sample.loops
        gauge(
            "holdfast_loops_behind",
            "Loops that can't answer in time what has arrived, and refuse three of four requests.",
            MetricValue(loops.loopsBehind)
        )
        gauge("holdfast_requests_waiting", "Requests that wait for their answers.", MetricValue(loops.requestsWaiting))
        gauge(
            "holdfast_requests_waiting_limit",
            "Requests that may wait; one more is refused.",
            MetricValue(loops.requestsWaitingMax)
        )
        gauge("holdfast_batches_waiting", "Batches that are not answered yet.", MetricValue(loops.batches))
        let queues: [(String, Int, Int)] = [
            // The log takes more than that for itself; from here on the shards refuse.
            ("log", sample.log.pendingBytes, Shard.pendingBytesMax),
            ("large_requests", loops.largeRequestBytes, loops.largeRequestBytesMax),
            ("unsent_answers", loops.unsentBytes, loops.unsentBytesMax),
            ("unread_streams", sample.streamMemory.heldBytes, loops.streamBytesMax),
        ]
        gauges(
            "holdfast_queue_bytes",
            "Bytes that wait: for the log, in large requests and their answers, for clients to read.",
            queues.map { (["queue": $0.0], MetricValue($0.1)) }
        )
        gauges(
            "holdfast_queue_limit_bytes",
            "Bytes from which on more is refused, or not read any more.",
            queues.map { (["queue": $0.0], MetricValue($0.2)) }
        )
        gauges(
            "holdfast_memory_bytes",
            "Memory of single parts, as far as it is counted.",
            [
                (["part": "tokens"], MetricValue(loops.tokenBytes)),
                (["part": "large_requests"], MetricValue(loops.largeRequestBytes)),
                (["part": "unsent_answers"], MetricValue(loops.unsentBytes)),
                (["part": "log_queue"], MetricValue(sample.log.pendingBytes)),
                (["part": "holds"], MetricValue(sample.shards.holdSlots * Shard.holdSlotBytes)),
            ]
        )
    }
}
