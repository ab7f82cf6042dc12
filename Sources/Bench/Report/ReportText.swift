/// Lays a report out for a terminal.
struct ReportText {
    let report: LoadReport

    func render() -> String {
        ([heading, table] + notes).joined(separator: "\n")
    }

    private var heading: String {
        """
        \(report.mode) against \(report.target), \(report.loop), \(report.connections) connections, \
        \(Decimals.text(report.elapsedSeconds, digits: 2)) s
        latency in microseconds\(report.loop == "closed loop" ? "" : ", from the intended time of sending")

        """
    }

    private var table: String {
        var table = TextTable(
            header: ["call", "answers", "per second", "p50", "p90", "p99", "p99.9", "max", "errors"])
        for call in report.calls {
            let latency = call.latencyMicroseconds
            let percentiles = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
            table.add(
                [call.name, Decimals.text(call.answers), Decimals.text(call.perSecond, digits: 0)]
                    + percentiles.map { Decimals.text($0, digits: $0 < 1000 ? 1 : 0) }
                    + [Decimals.text(call.answers - call.succeeded)]
            )
        }
        if report.calls.count > 1 {
            let answers = report.calls.reduce(0) { $0 + $1.answers }
            let errors = report.calls.reduce(0) { $0 + $1.answers - $1.succeeded }
            table.add(
                ["total", Decimals.text(answers), Decimals.text(report.answersPerSecond, digits: 0)]
                    + Array(repeating: "", count: 5) + [Decimals.text(errors)]
            )
        }
        return table.render()
    }

    private var notes: [String] {
        var lines = [""]
        for call in report.calls {
            for (code, count) in call.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
                lines.append("error   \(call.name): \(code) × \(Decimals.text(count))")
            }
        }
        if let server = report.server {
            lines.append(
                """
                server  \(Decimals.text(server.cpuMicrosecondsPerAnswer, digits: 2)) µs of CPU per answer, \
                \(percent(server.systemShare)) of it in the kernel, \(Decimals.text(server.coresBusy, digits: 2)) cores busy
                """
            )
        }
        lines.append(
            """
            client  \(Decimals.text(report.clientCPUMicrosecondsPerAnswer, digits: 2)) µs of CPU per answer, \
            core \(percent(report.clientCoreBusy)) busy
            """
        )
        return lines + warnings + stockLines
    }

    private var warnings: [String] {
        var lines: [String] = []
        if report.reconnects > 0 { lines.append("warning \(report.reconnects) connections had to be opened anew") }
        if report.neverSent > 0 {
            lines.append(
                """
                warning \(Decimals.text(report.neverSent)) arrivals never got to send a request and are in no \
                percentile: the rate is above what the server, or the client, can take
                """
            )
        }
        if let failure = report.failure { lines.append("failed  \(failure)") }
        return lines
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
}
