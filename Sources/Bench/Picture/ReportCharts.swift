/// The pictures of a run: the scenario's own, then latency by percentile, throughput over time, and what the server
/// used of its machine.
struct ReportCharts {
    let report: BenchReport

    var charts: [Chart] {
        (report.charts + [latency, throughput, serverCPU, serverMemory]).filter { !$0.drawable.isEmpty }
    }

    /// Open loops where there are any: a closed loop's percentiles hide what waiting buyers felt.
    private var latency: Chart {
        let open = report.phases.filter(\.isOpenLoop)
        let phases = open.isEmpty ? report.phases : open
        return Chart(
            title: "Latency by percentile",
            x: Chart.Axis(label: "percentile", scale: .percentile),
            y: Chart.Axis(label: "µs", scale: .logarithmic),
            series: phases.flatMap { phase in
                // The call that begins every visit speaks for many phases.
                (phases.count > 3 ? Array(phase.calls.prefix(1)) : phase.calls).flatMap { call in
                    curves(call).map { kind, curve in
                        let names = [
                            phases.count == 1 ? nil : phase.phase, phase.calls.count == 1 ? nil : call.name, kind,
                        ]
                        let name = names.compactMap { $0 }.joined(separator: ", ")
                        return Chart.Series(
                            name: name.isEmpty ? call.name : name,
                            points: curve.map { Chart.Point(x: $0.percentile, y: $0.microseconds) }
                        )
                    }
                }
            }
        )
    }

    /// Two where some calls succeeded and some did not, else one.
    private func curves(_ call: LoadReport.Call) -> [(kind: String?, points: [LatencyCurve.Point])] {
        guard let succeeded = call.succeededLatencyCurve, let other = call.otherLatencyCurve else {
            return [(nil, call.latencyCurve)]
        }
        return [("succeeded", succeeded), ("other", other)]
    }

    private var throughput: Chart {
        Chart(
            title: "Answers per second",
            x: Chart.Axis(label: "seconds", scale: .linear),
            y: Chart.Axis(label: "per second", scale: .linear),
            series: overTime { $0.intervalAnswersPerSecond }
        )
    }

    private var serverCPU: Chart {
        Chart(
            title: "Server CPU per answer",
            x: Chart.Axis(label: "seconds", scale: .linear),
            y: Chart.Axis(label: "µs", scale: .linear),
            series: overTime { $0.serverCPUMicrosecondsPerAnswer }
        )
    }

    private var serverMemory: Chart {
        Chart(
            title: "Server memory, resident",
            x: Chart.Axis(label: "seconds", scale: .linear),
            y: Chart.Axis(label: "MiB", scale: .linear),
            series: overTime { interval in interval.serverResidentBytes.map { Double($0) / 1_048_576 } }
        )
    }

    /// A line for each phase, where it was in time.
    private func overTime(_ value: (LoadReport.Interval) -> Double?) -> [Chart.Series] {
        report.phases.map { phase in
            Chart.Series(
                name: phase.phase,
                points: phase.timeline.compactMap { interval in
                    value(interval).map { Chart.Point(x: phase.startedSeconds + interval.endSeconds, y: $0) }
                }
            )
        }
    }
}
