import Foundation
import Testing

@testable import Bench

@Suite struct ReportTests {
    private func report(_ endpoint: Endpoint, loop: ArrivalSchedule.Pace = .closed) -> BenchReport {
        var reserve = CallStatistics(name: "reserve")
        for microseconds in 1...1000 { reserve.recordSuccess(latencyNanoseconds: UInt64(microseconds) * 1000) }
        Array(#"SOLD"OUT"#.utf8).withUnsafeBytes { reserve.recordError($0, latencyNanoseconds: 5_000_000) }
        var confirm = CallStatistics(name: "confirm")
        confirm.recordSuccess(latencyNanoseconds: 1500)
        let result = LoadResult(
            calls: [reserve, confirm, CallStatistics(name: "release")],
            begun: 1002,
            startNanoseconds: 0,
            elapsedNanoseconds: 2_000_000_000,
            clientCPUNanoseconds: 500_000_000,
            serverCPU: ProcessCPU.Usage(nanoseconds: 1_002_000_000, systemNanoseconds: 501_000_000),
            neverSent: 3,
            reconnects: 0,
            failure: nil
        )
        var settings = LoadSettings(endpoint: endpoint)
        settings.pace = loop
        let phase = LoadReport(phase: "throughput", settings: settings, result: result)
        return BenchReport(mode: "sale", target: "http://\(endpoint.authority)", phases: [phase])
    }

    private let endpoint: Endpoint

    init() throws {
        endpoint = try Endpoint(url: "http://127.0.0.1:8080")
    }

    @Test func theTableLinesUpAndShowsPercentiles() throws {
        let lines = ReportText(report: report(endpoint)).render().split(separator: "\n").map(String.init)
        let table = lines.filter { line in
            ["call", "reserve", "  succeeded", "  other", "confirm", "total"].contains { line.hasPrefix($0 + " ") }
        }
        #expect(
            table == [
                "call         answers  per second    p50    p90    p99  p99.9    max  errors",
                "reserve        1,001         501  501.2  901.1  991.2  1,000  5,000       1",
                "  succeeded    1,000              500.2  900.1  990.2  999.4  1,000        ",
                "  other            1              5,000  5,000  5,000  5,000  5,000        ",
                "confirm            1           1    1.5    1.5    1.5    1.5    1.5       0",
                "total          1,002         501                                          1",
            ]
        )
        #expect(lines.contains { $0.contains(#"SOLD"OUT × 1"#) })
        #expect(lines.contains { $0.contains("1,000.00 µs of CPU per answer, 50 % of it in the kernel, 0.50 cores") })
        #expect(lines.contains { $0.contains("3 arrivals never got to send") })
    }

    @Test func anOpenLoopSaysWhatItMeasures() {
        let text = ReportText(report: report(endpoint, loop: .open(perSecond: 2500, backlogMax: 1))).render()
        #expect(text.contains("open loop, 2,500 arrivals/s"))
        #expect(text.contains("from the intended time of sending"))
    }

    @Test func theJSONIsValidAndComplete() throws {
        let data = try ReportFile.encode(report(endpoint))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["answersPerSecond"] as? Double == 501)
        let calls = try #require(object["calls"] as? [[String: Any]])
        #expect(calls.map { $0["name"] as? String } == ["reserve", "confirm"])
        #expect(calls[0]["errors"] as? [String: Int] == [#"SOLD"OUT"#: 1])
        let latency = try #require(calls[0]["latencyMicroseconds"] as? [String: Double])
        #expect(try #require(latency["p99"]) > 985 && latency["p99"]! < 1000)
        let server = try #require(object["server"] as? [String: Double])
        #expect(server["cpuMicrosecondsPerAnswer"] == 1000)
    }

    @Test func aCallWithoutAnswersHasNoPercentiles() {
        let latency = LoadReport.Latency(CallStatistics(name: "release").latencies)
        #expect(latency.p50 == 0 && latency.max == 0)
    }

    @Test func latenciesBeyondTheRangeCountAsItsEnd() {
        var call = CallStatistics(name: "reserve")
        call.recordSuccess(latencyNanoseconds: .max)
        #expect(call.ended == 1)
        #expect(call.latencies.max >= CallStatistics.latencyNanosecondsMax)
    }

    @Test(arguments: [
        (0.0, 0, "0"), (999.949, 1, "999.9"), (1234.5, 0, "1,235"), (1_234_567.891, 2, "1,234,567.89"),
        (0.005, 1, "0.0"), (-1.25, 1, "-1.3"), (12.05, 2, "12.05"),
    ])
    func numbersReadWell(value: Double, digits: Int, text: String) {
        #expect(Decimals.text(value, digits: digits) == text)
    }

    @Test func errorCodesBeyondTheListAreCountedTogether() {
        var errors = ErrorCounts()
        for number in 0..<(ErrorCounts.codesMax + 10) {
            Array("CODE_\(number)".utf8).withUnsafeBytes { errors.add($0) }
        }
        #expect(errors.total == UInt64(ErrorCounts.codesMax + 10))
        #expect(errors.byCode[ErrorCounts.others] == 10)
        #expect(errors.byCode["CODE_0"] == 1)
    }

    @Test func readsProcessorTimeAcrossAStrangeName() throws {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 1 0 0 0 12 34 0 0 20 0 1 0 1 1 1"
        let ticks = try #require(ProcessCPU.ticks(inStat: stat))
        #expect(ticks.user == 12 && ticks.system == 34)
        #expect(ProcessCPU.ticks(inStat: "7 (cut) S 1") == nil)
        #expect(ProcessCPU.nanoseconds(inSchedstat: "123456 7 8\n") == 123_456)
        let own = try #require(ProcessCPU.usage(of: getpid()))
        #expect(own.nanoseconds > 0)
    }
}
