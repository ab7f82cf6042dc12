import Foundation
import FoundationXML
import Histogram
import Testing

@testable import Bench

@Suite struct PictureTests {
    private func phase(_ name: String, _ pace: ArrivalSchedule.Pace, startNanoseconds: UInt64) -> LoadReport {
        var call = CallStatistics(name: "reserve <&>")
        for microseconds in 1...2000 { call.recordSuccess(latencyNanoseconds: UInt64(microseconds) * 1000) }
        let result = LoadResult(
            calls: [call],
            begun: 2000,
            startNanoseconds: startNanoseconds,
            elapsedNanoseconds: 2_000_000_000,
            clientCPUNanoseconds: 1_900_000_000,
            serverCPU: ProcessCPU.Usage(nanoseconds: 1_000_000_000, systemNanoseconds: 0),
            machine: MachineLoad(otherCores: 0.62, stolenCores: 0.01),
            timeline: (1...2).map { second in
                Timeline.Sample(
                    endSeconds: Double(second),
                    lengthSeconds: 1,
                    answers: 1000,
                    succeeded: 1000,
                    slow: 0,
                    serverCPUNanoseconds: 500_000_000,
                    serverResidentBytes: 64 << 20
                )
            },
            neverSent: 0,
            reconnects: 0
        )
        return LoadReport(phase: name, connections: 4, pace: pace, hasServerCPU: true, result: result)
    }

    private var report: BenchReport {
        var report = BenchReport(
            mode: "sale",
            target: "http://127.0.0.1:8080",
            phases: [
                phase("throughput", .closed, startNanoseconds: 7_000_000_000),
                phase("latency", .open(perSecond: 700, backlogMax: 1), startNanoseconds: 10_000_000_000),
            ]
        )
        report.add("sold & paid", 5, "tickets")
        return report
    }

    @Test func theRunsPicturesShowWhatWasMeasured() throws {
        let charts = ReportCharts(report: report).charts
        #expect(
            charts.map(\.title) == [
                "Latency by percentile", "Answers per second", "Server CPU per answer", "Server memory, resident",
            ]
        )
        // Percentiles of the open loop only; the phases one after the other in time.
        #expect(charts[0].series.count == 1)
        #expect(charts[1].series.map { $0.points.map(\.x) } == [[1, 2], [4, 5]])
        #expect(charts[1].series[0].points.map(\.y) == [1000, 1000])
        #expect(charts[2].series[0].points.map(\.y) == [500, 500])
        #expect(charts[3].series[1].points.map(\.y) == [64, 64])
    }

    @Test func withoutAServersProcessThereIsNoPictureOfIt() {
        var report = report
        for index in report.phases.indices {
            for interval in report.phases[index].timeline.indices {
                report.phases[index].timeline[interval].serverCPUMicrosecondsPerAnswer = nil
                report.phases[index].timeline[interval].serverResidentBytes = nil
            }
        }
        #expect(ReportCharts(report: report).charts.count == 2)
    }

    @Test func thePageNeedsNothingElse() throws {
        let page = ReportPage(report: report).render()
        #expect(!page.contains("<script") && !page.contains("url(") && !page.contains("@import"))
        for mark in ["src=", "href="] { #expect(!page.contains(mark)) }
        #expect(page.contains("prefers-color-scheme: dark"))
        #expect(page.contains("reserve &lt;&amp;&gt;") && !page.contains("reserve <&>"))
        #expect(page.contains("<th>sold &amp; paid</th><td>5</td><td>tickets</td>"))
        #expect(page.components(separatedBy: "<svg").count == 5)
    }

    @Test func thePicturesAreWellFormedXML() throws {
        let text = ReportPage(report: report).renderPictures()
        let document = try XMLDocument(xmlString: text)
        let root = try #require(document.rootElement())
        #expect(root.name == "svg" && root.elements(forName: "g").count == 4)
        let lines = text.components(separatedBy: "points=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(lines.count == 1 + 2 + 2 + 2)
        for point in lines.flatMap({ $0.split(separator: " ") }) {
            let place = point.split(separator: ",").compactMap { Double($0) }
            #expect(place.count == 2)
            #expect(0...ChartDrawing.width ~= place[0] && 0...ChartDrawing.height ~= place[1], "\(point)")
        }
    }

    @Test func aScaleIsMarkedAtRoundNumbers() {
        let linear = ChartScale.linear.extent([3, 58_000])
        #expect(linear.ticks.map(\.text) == ["0", "10,000", "20,000", "30,000", "40,000", "50,000", "60,000"])
        #expect(linear.lower == 0 && linear.upper == 60_000)
        #expect(ChartScale.linear.extent([0.04]).ticks.map(\.text).last == "0.04")
        #expect(ChartScale.linear.extent([15.2]).ticks.map(\.text).prefix(3) == ["0", "5", "10"])
        #expect(ChartScale.linear.extent([150]).ticks.map(\.text).prefix(3) == ["0", "25", "50"])
        #expect(ChartScale.linear.extent([0.15]).ticks.map(\.text).prefix(3) == ["0.000", "0.025", "0.050"])
        #expect(ChartScale.linear.extent([]).ticks.count > 1 && ChartScale.linear.extent([0]).upper > 0)
        let logarithmic = ChartScale.logarithmic.extent([12, 900])
        #expect(logarithmic.ticks.map(\.text) == ["10", "100", "1,000"])
        #expect(ChartScale.logarithmic.extent([1, 1]).ticks.map(\.text) == ["1", "10"])
        #expect(ChartScale.logarithmic.extent([0.05, 2]).ticks.map(\.text) == ["0.01", "0.1", "1", "10"])
        #expect(ChartScale.percentile.extent([99.95]).ticks.map(\.text) == ["0", "50", "90", "99", "99.9"])
    }

    @Test func whatAScaleCannotShowIsLeftOut() {
        let chart = Chart(
            title: "t",
            x: Chart.Axis(label: "x", scale: .percentile),
            y: Chart.Axis(label: "y", scale: .logarithmic),
            series: [
                Chart.Series(name: "a", points: [.init(x: 100, y: 1), .init(x: 50, y: 0), .init(x: 50, y: 2)]),
                Chart.Series(name: "b", points: [.init(x: .nan, y: 1)]),
            ]
        )
        #expect(chart.drawable.map(\.points) == [[.init(x: 50, y: 2)]])
    }

    @Test func theCurveRisesAndIsDenseAtItsEnd() {
        var histogram = Histogram<UInt64>(highestTrackableValue: 10_000_000)
        for value in 1...10_000 { histogram.record(UInt64(value) * 1000) }
        let points = LatencyCurve.points(histogram)
        #expect(points.first == LatencyCurve.Point(percentile: 0, microseconds: 1))
        #expect(points.last.map { abs($0.percentile - 99.99) < 1e-9 } == true)
        for (one, other) in zip(points, points.dropFirst()) {
            #expect(one.percentile < other.percentile && one.microseconds <= other.microseconds)
        }
        #expect(points.filter { $0.percentile >= 99 }.count >= 18)
        #expect(LatencyCurve.points(Histogram<UInt64>(highestTrackableValue: 10)) == [])
    }

    @Test func theTextTellsPhasesApartAndWarnsOfTheClient() {
        let text = ReportText(report: report).render()
        #expect(text.contains("throughput: closed loop, 4 connections, 2.00 s"))
        #expect(text.contains("latency: open loop, 700 arrivals/s, 4 connections, 2.00 s"))
        #expect(text.contains("warning throughput: the client's core is over 90 % busy"))
        #expect(text.contains("warning latency: other programs kept 0.62 cores busy and the host took 0.01"))
        #expect(text.contains("up to 64.0 MiB resident"))
        #expect(text.contains("sold & paid"))
    }

    /// `Benchmarks/compare-nginx` reads the report with sed, a key a line.
    @Test(arguments: ["answersPerSecond", "succeededPerSecond", "cpuMicrosecondsPerAnswer", "clientCoreBusy", "p99"])
    func aKeyThatToolsReadIsThereOnce(key: String) throws {
        var report = report
        report.phases.removeLast()
        let lines = String(decoding: try ReportFile.encode(report), as: UTF8.self).split(separator: "\n")
        #expect(lines.filter { $0.contains("\"\(key)\" : ") }.count == 1)
    }

    @Test func theFirstPhaseStandsAtTheTopOfTheJSON() throws {
        let object = try JSONSerialization.jsonObject(with: ReportFile.encode(report)) as? [String: Any]
        let top = try #require(object)
        #expect(top["mode"] as? String == "sale" && top["phase"] as? String == "throughput")
        #expect(top["answersPerSecond"] as? Double == 1000)
        let further = try #require(top["furtherPhases"] as? [[String: Any]])
        #expect(further.count == 1 && further[0]["phase"] as? String == "latency")
        #expect(further[0]["startedSeconds"] as? Double == 3)
        let figures = try #require(top["figures"] as? [[String: Any]])
        #expect(figures[0]["value"] as? Double == 5)
    }
}
