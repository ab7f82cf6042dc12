/// Lays a report out for a terminal.
struct ReportText {
    let report: BenchReport
    /// Off where the figures are shown by other means.
    var hasFigures = true

    func render() -> String {
        ([heading, table] + notes).joined(separator: "\n")
    }

    /// With one phase it needs no naming.
    private var hasPhases: Bool { report.phases.count > 1 }

    private var heading: String {
        let loops = report.phases.map { phase in
            let name = hasPhases ? "\(phase.phase): " : ""
            let width = "\(Decimals.text(UInt64(phase.connections))) \(phase.isInProcess ? "at once" : "connections")"
            return "\(name)\(phase.loop), \(width), \(Decimals.text(phase.elapsedSeconds, digits: 2)) s"
        }
        let fromIntended = report.phases.contains(where: \.isOpenLoop)
        let latency =
            "latency in microseconds"
            + (fromIntended ? ", in an open loop from the intended time of sending" : "")
        let first = "\(report.mode) against \(report.target)"
        return ([loops.count == 1 ? "\(first), \(loops[0])" : first] + (hasPhases ? loops : []) + [latency, ""])
            .joined(separator: "\n")
    }

    // MARK: - Table

    private var table: String {
        let header = ["call", "answers", "per second", "p50", "p90", "p99", "p99.9", "max", "errors"]
        var table = TextTable(header: hasPhases ? ["phase"] + header : header, leftColumns: hasPhases ? 2 : 1)
        for phase in report.phases {
            for row in rows(phase) { table.add(hasPhases ? [phase.phase] + row : row) }
        }
        return table.render()
    }

    private func rows(_ phase: LoadReport) -> [[String]] {
        var rows: [[String]] = []
        for call in phase.calls {
            let start = [call.name, Decimals.text(call.answers), Decimals.text(call.perSecond, digits: 0)]
            let errors = Decimals.text(call.answers - call.succeeded)
            rows.append(start + percentiles(call.latencyMicroseconds) + [errors])
            guard let succeeded = call.succeededLatencyMicroseconds, let other = call.otherLatencyMicroseconds else {
                continue
            }
            let shown = Decimals.text(call.succeeded)
            rows.append(["  succeeded", shown, ""] + percentiles(succeeded) + [""])
            rows.append(["  other", errors, ""] + percentiles(other) + [""])
        }
        if phase.calls.count > 1 {
            let answers = phase.calls.reduce(0) { $0 + $1.answers }
            let errors = phase.calls.reduce(0) { $0 + $1.answers - $1.succeeded }
            rows.append(
                ["total", Decimals.text(answers), Decimals.text(phase.answersPerSecond, digits: 0)]
                    + Array(repeating: "", count: 5) + [Decimals.text(errors)]
            )
        }
        return rows
    }

    private func percentiles(_ latency: LoadReport.Latency) -> [String] {
        [latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map {
            Decimals.text($0, digits: $0 < 1000 ? 1 : 0)
        }
    }

    // MARK: - Notes

    private var notes: [String] {
        [""] + report.phases.flatMap(notes) + figureLines + report.remarks.map { "note    \($0)" } + stockLines
            + report.faults.map { "fault   \($0)" }
    }

    private func notes(_ phase: LoadReport) -> [String] {
        let prefix = hasPhases ? "\(phase.phase): " : ""
        return (errorLines(phase) + serverLines(phase) + [clientLine(phase)] + warnings(phase)).map { kind, text in
            kind + String(repeating: " ", count: 8 - kind.count) + prefix + text
        }
    }

    private func errorLines(_ phase: LoadReport) -> [(String, String)] {
        phase.calls.flatMap { call in
            let codes = call.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).map { code, count in
                ("error", "\(call.name): \(code) × \(Decimals.text(count))")
            }
            guard call.turnedAway > 0 else { return codes }
            let count = Decimals.text(call.turnedAway)
            let missing = call.turnedAwayWithoutRetryAfter
            let said = missing == 0 ? "all with Retry-After" : "\(Decimals.text(missing)) of them WITHOUT Retry-After"
            return codes + [("error", "\(call.name): \(count) answers 429 or 503, \(said)")]
        }
    }

    private func serverLines(_ phase: LoadReport) -> [(String, String)] {
        guard let server = phase.server else { return [] }
        var text = """
            \(Decimals.text(server.cpuMicrosecondsPerAnswer, digits: 2)) µs of CPU per answer, \
            \(percent(server.systemShare)) of it in the kernel, \(Decimals.text(server.coresBusy, digits: 2)) cores busy
            """
        if let bytes = server.residentBytesMax { text += ", up to \(mebibytes(bytes)) resident" }
        return [("server", text)]
    }

    private func clientLine(_ phase: LoadReport) -> (String, String) {
        let cost = "\(Decimals.text(phase.clientCPUMicrosecondsPerAnswer, digits: 2)) µs of CPU per answer"
        if phase.isInProcess {
            return ("process", "\(cost), \(Decimals.text(phase.clientCoreBusy, digits: 2)) cores busy")
        }
        return ("client", "\(cost), core \(percent(phase.clientCoreBusy)) busy")
    }

    private func warnings(_ phase: LoadReport) -> [(String, String)] {
        var lines: [(String, String)] = []
        if phase.isLimitedByClient {
            lines.append(("warning", "the client's core is over 90 % busy: this may be its limit, not the server's"))
        }
        if let machine = phase.machine, machine.isDisturbing {
            let others = Decimals.text(machine.otherCores ?? 0, digits: 2)
            let stolen = Decimals.text(machine.stolenCores, digits: 2)
            let text =
                "other programs kept \(others) cores busy and the host took \(stolen): measure again when it is quiet"
            lines.append(("warning", text))
        }
        if phase.reconnects > 0 {
            lines.append(("warning", "\(Decimals.text(UInt64(phase.reconnects))) connections had to be opened anew"))
        }
        if phase.neverSent > 0 {
            let text = """
                \(Decimals.text(phase.neverSent)) arrivals never got to send a request and are in no \
                percentile: the rate is above what the server, or the client, can take
                """
            lines.append(("warning", text))
        }
        if let failure = phase.failure { lines.append(("failed", failure)) }
        return lines
    }

    private var figureLines: [String] {
        guard hasFigures, !report.figures.isEmpty else { return [] }
        var table = TextTable(header: ["figure", "", ""])
        for figure in report.figures { table.add([figure.name, Decimals.text(figure.value), figure.unit]) }
        return ["", table.render(), ""]
    }

    private var stockLines: [String] {
        guard let stock = report.stock else { return [] }
        let counts = """
            \(stock.sectionsChecked) sections: \(stock.sold) sold + \(stock.reserved) reserved \
            + \(stock.available) available of \(stock.total)
            """
        guard !stock.isSound else { return ["stock   sound, \(counts), sold = confirmed"] }
        return ["stock   NOT SOUND, \(counts)"] + stock.violations.map { "        \($0)" }
    }

    private func percent(_ share: Double) -> String { Decimals.text(share * 100, digits: 0) + " %" }

    private func mebibytes(_ bytes: UInt64) -> String { Decimals.text(Double(bytes) / 1_048_576, digits: 1) + " MiB" }
}
