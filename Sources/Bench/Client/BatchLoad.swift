import Glibc

/// Sends batches over many connections from one thread, in a closed loop: each connection sends the next batch when
/// the last one is answered.
struct BatchLoad {
    let endpoint: Endpoint
    let connectionCount: Int
    let warmupNanoseconds: UInt64
    let durationNanoseconds: UInt64
    let spins: Bool
    /// The lines of every batch; a line's section is its number among them, modulo the sections.
    let lines: [String]
    let sectionCount: Int
    let serverPid: Int32?

    struct Result {
        /// Batches.
        var batches = CallStatistics(name: "batch")
        var commands: UInt64 = 0
        var succeeded: UInt64 = 0
        /// Lines that were refused, by status.
        var refused: [Int: UInt64] = [:]
        var elapsedNanoseconds: UInt64 = 1
        var clientCPUNanoseconds: UInt64 = 0
        var serverCPU: ProcessCPU.Usage?
        var ledger: SaleLedger
        var failure: String?
    }

    /// One run: state that lives as long as it does.
    private struct Run {
        var result: Result
        var nextNumber: UInt64 = 0
        var isMeasuring = false
    }

    func run() throws -> Result {
        let poll = try ReadinessPoll(eventsMax: connectionCount)
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { scratch.deallocate() }
        var connections: [BatchConnection] = []
        defer { for connection in connections { connection.deallocate() } }
        for index in 0..<connectionCount {
            let request = BatchRequestBytes(lines: lines, endpoint: endpoint)
            connections.append(try BatchConnection(endpoint: endpoint, request: request))
            try poll.add(connections[index].descriptor, token: index)
        }
        var run = Run(result: Result(ledger: SaleLedger(sectionCount: sectionCount)))
        let start = MonotonicClock.nowNanoseconds()
        let measureFrom = start + warmupNanoseconds
        let end = measureFrom + durationNanoseconds
        var cpuFrom = (client: UInt64(0), server: ProcessCPU.Usage?.none)
        for index in connections.indices { send(&connections[index], &run, start) }
        var busy = connectionCount
        var now = start
        while busy > 0, run.result.failure == nil {
            if !run.isMeasuring, now >= measureFrom {
                run.isMeasuring = true
                cpuFrom = (MonotonicClock.processCPUNanoseconds(), serverPid.flatMap { ProcessCPU.usage(of: $0) })
            }
            if now > end + 10_000_000_000 { run.result.failure = "no answer for 10 s" }
            if StopSignal.wasReceived { run.result.failure = "interrupted" }
            let count = try poll.wait(timeoutNanoseconds: spins ? 0 : 100_000_000)
            for index in 0..<count {
                let event = poll.event(index)
                if event.isWritable, !connections[event.token].flush() { run.result.failure = "a connection broke" }
                guard event.isReadable || event.isClosed else { continue }
                guard read(&connections[event.token], &run, scratch, isCounted: now < end) else { continue }
                if now < end { send(&connections[event.token], &run, now) } else { busy -= 1 }
            }
            now = MonotonicClock.nowNanoseconds()
            if now < end {
                run.result.elapsedNanoseconds = max(1, now - min(now, measureFrom))
                continue
            }
            guard run.result.clientCPUNanoseconds == 0 else { continue }
            run.result.clientCPUNanoseconds = MonotonicClock.processCPUNanoseconds() - cpuFrom.client
            let usage = serverPid.flatMap { ProcessCPU.usage(of: $0) }
            run.result.serverCPU = usage.flatMap { after in cpuFrom.server.map { after.since($0) } }
        }
        return run.result
    }

    private func send(_ connection: inout BatchConnection, _ run: inout Run, _ now: UInt64) {
        if !connection.begin(number: run.nextNumber, now) { run.result.failure = "a connection broke" }
        run.nextNumber += UInt64(lines.count)
    }

    /// Reads what is there; true when the answer is complete.
    private func read(
        _ connection: inout BatchConnection,
        _ run: inout Run,
        _ scratch: UnsafeMutableRawBufferPointer,
        isCounted: Bool
    ) -> Bool {
        let isMeasuring = run.isMeasuring && isCounted
        let outcome = connection.read(into: scratch) { line, status in
            if 200...299 ~= status { run.result.ledger.succeeded(.reserve, section: line % sectionCount) }
            guard isMeasuring else { return }
            run.result.commands += 1
            if 200...299 ~= status {
                run.result.succeeded += 1
            } else {
                run.result.refused[status, default: 0] += 1
            }
        }
        switch outcome {
        case .incomplete: return false
        case .failed(let reason):
            run.result.failure = reason
            return false
        case .complete:
            let latency = MonotonicClock.nowNanoseconds() - connection.sentNanoseconds
            if connection.status != 200 {
                var name = "HTTP_\(connection.status)"
                name.withUTF8 {
                    run.result.batches.recordError(UnsafeRawBufferPointer($0), latencyNanoseconds: latency)
                }
            } else if connection.answeredLines != lines.count {
                run.result.failure = "\(connection.answeredLines) answers for \(lines.count) lines"
            } else if isMeasuring {
                run.result.batches.recordSuccess(latencyNanoseconds: latency)
            }
            return true
        }
    }
}
