import WAL

/// What one loop has counted, and how full it is; or all of them together.
struct LoopStatistics: Sendable {
    var answers: [HTTPTraffic.AnswerCount] = []
    /// By `LatencyGroup.number`.
    var latencies: [BucketCounts] = []
    var problems: [String: UInt64] = [:]
    var tokens = TokenCounters()
    var tokensCached = 0
    var tokenBytes = 0
    var connections = 0
    /// Of the whole server.
    var connectionsMax = 0
    var connectionsAccepted: UInt64 = 0
    var connectionsStalled: UInt64 = 0
    var streamsDropped: UInt64 = 0
    /// Requests that wait for their answers.
    var requestsWaiting = 0
    var requestsWaitingMax = 0
    var largeRequestBytes = 0
    var largeRequestBytesMax = 0
    var unsentBytes = 0
    var unsentBytesMax = 0
    /// Of the whole server.
    var streamBytesMax = 0
    var batches = 0
    /// 1 for a loop that can't answer in time what has arrived.
    var loopsBehind = 0

    static func += (left: inout LoopStatistics, right: LoopStatistics) {
        left.answers = merged(left.answers, right.answers)
        if left.latencies.isEmpty {
            left.latencies = right.latencies
        } else {
            for group in right.latencies.indices { left.latencies[group] += right.latencies[group] }
        }
        left.problems.merge(right.problems, uniquingKeysWith: +)
        left.tokens += right.tokens
        left.tokensCached += right.tokensCached
        left.tokenBytes += right.tokenBytes
        left.connections += right.connections
        left.connectionsMax = right.connectionsMax
        left.connectionsAccepted += right.connectionsAccepted
        left.connectionsStalled += right.connectionsStalled
        left.streamsDropped += right.streamsDropped
        left.requestsWaiting += right.requestsWaiting
        left.requestsWaitingMax += right.requestsWaitingMax
        left.largeRequestBytes += right.largeRequestBytes
        left.largeRequestBytesMax += right.largeRequestBytesMax
        left.unsentBytes += right.unsentBytes
        left.unsentBytesMax += right.unsentBytesMax
        left.streamBytesMax = right.streamBytesMax
        left.batches += right.batches
        left.loopsBehind += right.loopsBehind
    }

    private static func merged(
        _ left: [HTTPTraffic.AnswerCount],
        _ right: [HTTPTraffic.AnswerCount]
    ) -> [HTTPTraffic.AnswerCount] {
        var counts: [HTTPTraffic.AnswerCount.Kind: UInt64] = [:]
        for answer in left + right { counts[answer.kind, default: 0] += answer.count }
        return counts.sorted { $0.key < $1.key }.map { .init(kind: $0.key, count: $0.value) }
    }
}

extension LoopFront {
    /// On the front's loop. What it costs depends on nothing that grows: routes, codes, and a handful of gauges.
    func statistics() -> LoopStatistics {
        var statistics = LoopStatistics()
        statistics.answers = traffic.answerCounts()
        statistics.latencies = traffic.latencyCounts()
        statistics.problems = traffic.problems.counts()
        statistics.tokens = tokens.counters
        statistics.tokensCached = tokens.count
        statistics.tokenBytes = tokens.bytes
        statistics.connectionsAccepted = traffic.connectionsAccepted
        statistics.connectionsStalled = traffic.connectionsStalled
        statistics.streamsDropped = traffic.streamsDropped
        statistics.requestsWaiting = requestsWaiting
        statistics.requestsWaitingMax = Self.pendingRequestsMax
        statistics.batches = batches.count
        statistics.loopsBehind = loop.isBehind ? 1 : 0
        traffic.connections?.fill(&statistics)
        return statistics
    }
}

extension LoopConnections {
    fileprivate func fill(_ statistics: inout LoopStatistics) {
        statistics.connections = openCount
        statistics.connectionsMax = limits.connectionsMax
        statistics.largeRequestBytes = largeRequests.bytes
        statistics.largeRequestBytesMax = largeRequests.bytesMax
        statistics.unsentBytes = unsentBytes
        statistics.unsentBytesMax = limits.unsentBytesPauseOfLoop
        statistics.streamBytesMax = limits.streamBytesMax
    }
}
